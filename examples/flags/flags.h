// Flags reads a command line, --name value or --name=value, into variables.
//
//   std::uint32_t width = 800;
//   Flags flags("mandelbrot", "Draws the Mandelbrot set.");
//   flags.Number("--width", &width, 1, 16384, "pixels in a row");
//   flags.Parse(std::vector<std::string>(argv + 1, argv + argc));
//   if (flags.help()) std::cout << flags.Usage();
//
// --mobula-... are Init's and passed over; -h and --help are always there.
// Threading: one thread; the variables must outlive it.
// Failure: BadFlag says what is wrong and what would be right.
#ifndef MOBULA_EXAMPLES_FLAGS_FLAGS_H_
#define MOBULA_EXAMPLES_FLAGS_FLAGS_H_

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace examples {

// A command line that makes no sense.
class BadFlag : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

class Flags {
 public:
  Flags(std::string program, std::string purpose);

  // Whole numbers from `min` to `max`; what the variable holds is the default.
  void Number(const std::string& name, std::uint32_t* variable,
              std::uint32_t min, std::uint32_t max, const std::string& help);
  void Number(const std::string& name, std::uint64_t* variable,
              std::uint64_t min, std::uint64_t max, const std::string& help);
  void Number(const std::string& name, double* variable, double min, double max,
              const std::string& help);
  // Anything but nothing.
  void Text(const std::string& name, std::string* variable,
            const std::string& help);
  // One of `choices`; the variable becomes its place among them.
  void Choice(const std::string& name, std::size_t* variable,
              std::vector<std::string> choices, const std::string& help);
  // True where the flag is there; it has no value.
  void Switch(const std::string& name, bool* variable, const std::string& help);

  // Throws BadFlag. What was read before the mistake is read.
  void Parse(const std::vector<std::string>& arguments);

  [[nodiscard]] const std::string& program() const { return program_; }
  [[nodiscard]] bool help() const { return help_; }
  // Several lines: each flag with its default.
  [[nodiscard]] std::string Usage() const;

 private:
  struct Flag {
    std::string name;
    std::string help;
    std::string shown;  // what the value is: "N", "FILE"; "" for a switch
    std::string initially;
    std::string wanted;  // "a number from 1 to 8"
    // False if the text makes no sense.
    std::function<bool(const std::string& text)> read;
  };

  template <class T>
  void AddNumber(const std::string& name, T* variable, T min, T max,
                 const std::string& help);
  [[nodiscard]] const Flag& Find(const std::string& name) const;

  const std::string program_;
  const std::string purpose_;
  std::vector<Flag> flags_;
  bool help_ = false;
};

}  // namespace examples

#endif  // MOBULA_EXAMPLES_FLAGS_FLAGS_H_
