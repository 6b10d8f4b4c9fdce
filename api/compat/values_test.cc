// What travels through MessagePack's library (classes with MSGPACK_DEFINE or an
// adaptor), and refs inside of values.
#include <ray/api.h>

#include <any>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/compat/ray_fixture.h"

namespace ray_tests {

enum class Colour { kRed, kBlue };

struct Celsius {
  double degrees = 0;
};

// A class without a default constructor that is public by itself.
class Person {
 public:
  Person() = default;
  Person(std::string name, int age) : name_(std::move(name)), age_(age) {}
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int age() const { return age_; }
  MSGPACK_DEFINE(name_, age_);

 private:
  std::string name_;
  int age_ = 0;
};

struct Team {
  std::vector<Person> people;
  std::map<std::string, Person> by_role;
  std::vector<double> scores;
  std::vector<int> counts;
  std::vector<float> none;
  Colour colour = Colour::kRed;
  Celsius weather;
  MSGPACK_DEFINE(people, by_role, scores, counts, none, colour, weather);
};

struct Shapes {
  std::string name;
  int sides = 0;
  MSGPACK_DEFINE_MAP(name, sides);
};

// One field is left out on purpose: what MSGPACK_DEFINE says holds, though it
// is an aggregate.
struct Partly {
  int kept = 0;
  int left_out = 0;
  MSGPACK_DEFINE(kept);
};

struct Node {
  std::string name;
  ray::ObjectRef<int> value;
  std::vector<ray::ObjectRef<Person>> people;
  MSGPACK_DEFINE(name, value, people);
};

struct Unreadable {
  int x = 0;
  template <class Packer>
  void msgpack_pack(Packer& packer) const {
    packer.pack("not a number");
  }
  void msgpack_unpack(const msgpack::object& from) { from.convert(x); }
};

}  // namespace ray_tests

MSGPACK_ADD_ENUM(ray_tests::Colour);

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {

  // In tenths, so that it shows that it was asked.
  template <>
  struct pack<ray_tests::Celsius> {
    template <class Stream>
    packer<Stream>& operator()(packer<Stream>& o,
                               const ray_tests::Celsius& v) const {
      return o.pack(static_cast<int>(v.degrees * 10));
    }
  };
  template <>
  struct convert<ray_tests::Celsius> {
    const msgpack::object& operator()(const msgpack::object& o,
                                      ray_tests::Celsius& v) const {
      v.degrees = o.as<int>() / 10.0;
      return o;
    }
  };

  }  // namespace adaptor
}
}  // namespace msgpack

namespace ray_tests {
namespace {

Person Older(Person person, int years) {
  return {person.name(), person.age() + years};
}
Team Grow(const Team& team) {
  Team grown = team;
  for (double& score : grown.scores) score *= 2;
  for (auto& [role, person] : grown.by_role) person = Older(person, 1);
  grown.people.emplace_back("new", 1);
  grown.colour = Colour::kBlue;
  return grown;
}
Celsius Warmer(Celsius weather) { return {weather.degrees + 1.25}; }
Shapes Name(Shapes shapes) {
  shapes.name = std::to_string(shapes.sides) + "-gon";
  return shapes;
}
Partly Same(Partly partly) { return partly; }
std::vector<Person> Sorted(std::list<Person> people) {
  people.sort(
      [](const Person& a, const Person& b) { return a.age() < b.age(); });
  return {people.begin(), people.end()};
}
Colour Other(Colour colour) {
  return colour == Colour::kRed ? Colour::kBlue : Colour::kRed;
}
int Plus(int x, int y) { return x + y; }
int GetOf(ray::ObjectRef<int> ref) { return *ref.Get(); }
int SumOf(const std::vector<ray::ObjectRef<int>>& refs) {
  int sum = 0;
  for (const auto& value : ray::Get(refs)) sum += *value;
  return sum;
}
ray::ObjectRef<int> RefTo(int x) { return ray::Task(Plus).Remote(x, x); }
std::vector<ray::ObjectRef<int>> RefsTo(int n) {
  std::vector<ray::ObjectRef<int>> refs;
  for (int i = 0; i < n; ++i) refs.push_back(ray::Put(i));
  return refs;
}
Node Visit(Node node) {
  node.value = ray::Task(Plus).Remote(node.value, 1);
  node.people.push_back(ray::Put(Older(*node.people.at(0).Get(), 1)));
  return node;
}
Unreadable Unread() { return {}; }
int TakeUnreadable(Unreadable u) { return u.x; }
std::any Anything(const std::any& any) {
  return std::any_cast<std::uint64_t>(any) + 1;
}

RAY_REMOTE(Older, Grow, Warmer, Name, Same, Sorted, Other, Plus, GetOf, SumOf,
           RefTo, RefsTo, Visit, Unread, TakeUnreadable, Anything);

class Holder {
 public:
  static Holder* Create(ray::ObjectRef<int> ref) { return new Holder{ref, {}}; }
  int Value() { return *ref.Get(); }
  void Keep(std::vector<ray::ObjectRef<Person>> refs) { people = refs; }
  std::string Names() {
    std::string names;
    for (const auto& person : ray::Get(people)) names += person->name();
    return names;
  }
  std::vector<ray::ObjectRef<Person>> People() { return people; }

  ray::ObjectRef<int> ref;
  std::vector<ray::ObjectRef<Person>> people;
};
RAY_REMOTE(Holder::Create, &Holder::Value, &Holder::Keep, &Holder::Names,
           &Holder::People);

class RayValues : public RayTest {};

TEST_P(RayValues, AreClassesWithMsgpackDefine) {
  const auto person = ray::Task(Older).Remote(Person("anna", 40), 2).Get();
  EXPECT_EQ(person->name(), "anna");
  EXPECT_EQ(person->age(), 42);
  const ray::ObjectRef<Person> put = ray::Put(*person);
  EXPECT_EQ(ray::Task(Older).Remote(put, 1).Get()->age(), 43);
  EXPECT_EQ(ray::Task(Name).Remote(Shapes{"", 5}).Get()->name, "5-gon");
  const auto partly = ray::Task(Same).Remote(Partly{1, 2}).Get();
  EXPECT_EQ(partly->kept, 1);
  EXPECT_EQ(partly->left_out, 0);
  const auto sorted =
      ray::Task(Sorted).Remote(std::list<Person>{{"b", 2}, {"a", 1}}).Get();
  EXPECT_EQ(sorted->at(0).name(), "a");
  EXPECT_EQ(*ray::Task(Other).Remote(Colour::kRed).Get(), Colour::kBlue);
}

TEST_P(RayValues, AreClassesOfClasses) {
  Team team{{{"anna", 1}, {"bert", 2}},
            {{"lead", {"cora", 3}}},
            {0.5, 1.5},
            {7, -8},
            {},
            Colour::kRed,
            {20}};
  const auto grown = ray::Task(Grow).Remote(team).Get();
  EXPECT_EQ(grown->people.size(), 3U);
  EXPECT_EQ(grown->by_role.at("lead").age(), 4);
  EXPECT_EQ(grown->scores, (std::vector<double>{1, 3}));
  EXPECT_EQ(grown->counts, (std::vector<int>{7, -8}));
  EXPECT_TRUE(grown->none.empty());
  EXPECT_EQ(grown->colour, Colour::kBlue);
  EXPECT_EQ(grown->weather.degrees, 20);
}

TEST_P(RayValues, AreLargeClasses) {
  Team team;
  team.scores.assign(300'000, 1);
  team.people.assign(20'000, Person("p", 1));
  const auto grown = ray::Task(Grow).Remote(ray::Put(team)).Get();
  EXPECT_EQ(grown->scores, std::vector<double>(300'000, 2));
  EXPECT_EQ(grown->people.size(), 20'001U);
}

TEST_P(RayValues, AskAdaptorsOfTheUser) {
  EXPECT_EQ(ray::Task(Warmer).Remote(Celsius{1.25}).Get()->degrees, 2.4);
  EXPECT_EQ(std::any_cast<std::uint64_t>(
                *ray::Task(Anything).Remote(std::any(std::uint64_t{41})).Get()),
            42U);
}

TEST_P(RayValues, ThatDoNotUnpackSaySo) {
  EXPECT_THROW(ray::Task(Unread).Remote().Get(), ray::internal::RayException);
  const std::string text = TextOf<ray::internal::RayTaskException>(
      [] { ray::Task(TakeUnreadable).Remote(Unreadable()).Get(); });
  EXPECT_TRUE(Contains(text, "std::bad_cast")) << text;
}

TEST_P(RayValues, AreRefsThemselves) {
  const ray::ObjectRef<int> two = ray::Task(Plus).Remote(1, 1);
  EXPECT_EQ(*ray::Task(GetOf).Remote(two).Get(), 2);
  EXPECT_EQ(*ray::Task(RefTo).Remote(4).Get()->Get(), 8);
  std::vector<ray::ObjectRef<int>> refs{two, two, ray::Put(5)};
  EXPECT_EQ(*ray::Task(SumOf).Remote(refs).Get(), 9);
  EXPECT_EQ(*ray::Task(SumOf).Remote(ray::Put(refs)).Get(), 9);
  const auto given = ray::Task(RefsTo).Remote(3).Get();
  EXPECT_EQ(*ray::Task(SumOf).Remote(*given).Get(), 3);
  EXPECT_EQ(*ray::Task(SumOf).Remote(ray::Task(RefsTo).Remote(4)).Get(), 6);
}

TEST_P(RayValues, HoldRefsInClasses) {
  const Node node{"root", ray::Put(1), {ray::Put(Person("anna", 1))}};
  ray::ObjectRef<Node> visited = ray::Task(Visit).Remote(node);
  visited = ray::Task(Visit).Remote(visited);
  const auto back = visited.Get();
  EXPECT_EQ(*back->value.Get(), 3);
  ASSERT_EQ(back->people.size(), 3U);
  EXPECT_EQ(back->people[2].Get()->age(), 2);
}

TEST_P(RayValues, LieInActors) {
  auto holder = ray::Actor(Holder::Create).Remote(ray::Put(3));
  EXPECT_EQ(*holder.Task(&Holder::Value).Remote().Get(), 3);
  {
    const std::vector<ray::ObjectRef<Person>> people{
        ray::Put(Person("a", 1)),
        ray::Put(Person(std::string(10'000, 'b'), 2))};
    holder.Task(&Holder::Keep).Remote(people).Get();
  }
  EXPECT_EQ(holder.Task(&Holder::Names).Remote().Get()->size(), 10'001U);
  const auto people = holder.Task(&Holder::People).Remote().Get();
  EXPECT_EQ(people->at(1).Get()->age(), 2);
}

TEST_P(RayValues, HaveRefsThatRefer) {
  const ray::ObjectRef<int> one = ray::Put(1);
  const ray::ObjectRef<int> same = one;
  EXPECT_TRUE(one == same);
  EXPECT_FALSE(one == ray::Put(1));
  EXPECT_FALSE(one.ID().empty());
  const ray::ObjectRef<int> by_id(one.ID());
  EXPECT_TRUE(by_id == one);
  EXPECT_EQ(*by_id.Get(), 1);
  ray::ObjectRef<int> moved = ray::Put(2);
  const ray::ObjectRef<int> to = std::move(moved);
  EXPECT_EQ(*to.Get(), 2);
  const ray::ObjectRef<int> nothing;
  EXPECT_EQ(nothing.ID(), "");
  EXPECT_THROW(nothing.Get(), ray::internal::RayException);
  EXPECT_THROW(ray::Task(Plus).Remote(nothing, 1), ray::internal::RayException);
  EXPECT_THROW(ray::Task(GetOf).Remote(nothing).Get(),
               ray::internal::RayTaskException);
  const ray::ObjectRef<int> wrong("no id at all");
  EXPECT_EQ(wrong.ID(), "no id at all");
  EXPECT_THROW(wrong.Get(), ray::internal::RayException);
}

INSTANTIATE_TEST_SUITE_P(, RayValues, testing::Bool(), ModeName);

}  // namespace
}  // namespace ray_tests
