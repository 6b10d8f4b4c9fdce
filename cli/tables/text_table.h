// A table for people: columns aligned, those that are empty left out.
//
//   TextTable table({"PID", "STATE"});
//   table.Add({"17", "idle"});
//   std::fputs(table.Text().c_str(), stdout);
// Threading: a value.
#ifndef MOBULA_CLI_TABLES_TEXT_TABLE_H_
#define MOBULA_CLI_TABLES_TEXT_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

namespace mobula::cli {

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> titles);

  // One cell a title; what a terminal must not see is replaced.
  void Add(const std::vector<std::string>& cells);
  // With its titles; two spaces between columns, none at the end of a line.
  [[nodiscard]] std::string Text() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the first holds the titles
};

// Columns that a terminal gives it, one a character.
std::size_t WidthOf(std::string_view text);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TABLES_TEXT_TABLE_H_
