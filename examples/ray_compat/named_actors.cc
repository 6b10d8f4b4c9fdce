// Actors that are found by their names: in tasks, in other actors, in other
// namespaces; and handles that travel.
#include <ray/api.h>

#include <iostream>
#include <map>
#include <string>
#include <utility>

class Parameters {
 public:
  static Parameters* Create(std::string model) {
    auto* made = new Parameters;
    made->values_["model"] = std::move(model);
    return made;
  }
  void Set(const std::string& key, const std::string& value) {
    values_[key] = value;
  }
  std::string Get(const std::string& key) {
    const auto it = values_.find(key);
    return it == values_.end() ? "?" : it->second;
  }

 private:
  std::map<std::string, std::string> values_;
};
RAY_REMOTE(Parameters::Create, &Parameters::Set, &Parameters::Get);

std::string Train(int step) {
  boost::optional<ray::ActorHandle<Parameters>> parameters =
      ray::GetActor<Parameters>("parameters");
  if (!parameters) return "no parameters";
  parameters->Task(&Parameters::Set).Remote("step", std::to_string(step)).Get();
  return *parameters->Task(&Parameters::Get).Remote("model").Get() +
         " at step " + std::to_string(step);
}
std::string Ask(ray::ActorHandle<Parameters> parameters, std::string key) {
  return *parameters.Task(&Parameters::Get).Remote(key).Get();
}
RAY_REMOTE(Train, Ask);

int main(int argc, char** argv) {
  ray::RayConfig config;
  ray::Init(config, argc, argv);

  std::cout << *ray::Task(Train).Remote(0).Get() << std::endl;
  ray::ActorHandle<Parameters> parameters =
      ray::Actor(Parameters::Create).SetName("parameters").Remote("small");
  std::cout << *ray::Task(Train).Remote(1).Get() << std::endl;
  std::cout << "step " << *ray::Task(Ask).Remote(parameters, "step").Get()
            << std::endl;

  auto other = ray::Actor(Parameters::Create)
                   .SetName("parameters", "other")
                   .Remote("large");
  auto found = ray::GetActor<Parameters>("parameters", "other");
  std::cout << *(*found).Task(&Parameters::Get).Remote("model").Get()
            << std::endl;
  std::cout << "nobody: "
            << (ray::GetActor<Parameters>("nobody") ? "some" : "none")
            << std::endl;

  try {
    ray::Actor(Parameters::Create).SetName("parameters").Remote("twice");
  } catch (const ray::internal::RayException&) {
    std::cout << "the name is taken" << std::endl;
  }

  ray::Shutdown();
  return 0;
}
