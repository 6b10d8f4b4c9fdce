// A program in which every line that ends in a comment is wrong in one way: the
// compiler's error must say what the comment says (api/wrong_program_test.cc).
// It is never built.
#include <mobula/mobula.h>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

using mobula::detail::RegisterNamed;

struct HoldsView {
  mobula::View<std::string> view;
};
struct HoldsActor {
  mobula::Actor<std::string> actor;
};
class Private {
 public:
  Private() = default;
  int x() const { return x_; }

 private:
  int x_ = 0;
};
class Secret {
 public:
  Secret() = default;

 private:
  int x_ = 0;
};
struct Plain {
  int less = 0;
};
struct Derived : Plain {
  int more = 0;
};
struct BitField {
  int bits : 3;
};
struct CArray {
  int before = 0;
  int items[2] = {};
};
struct NamesPointer {
  int* pointer = nullptr;
  MOBULA_FIELDS(NamesPointer, pointer)
};
class NoDefault {
 public:
  explicit NoDefault(int x);
};
struct Pinned {
  Pinned() = default;
  Pinned(const Pinned&) = delete;
};
class Abstract {
 public:
  virtual ~Abstract() = default;
  virtual int Do() = 0;
};

int Take(int x);
int TakeTwo(int x, int y);
void TakeHoldsView(HoldsView);
void TakeViewOfMap(mobula::View<std::map<int, int>> x);
void TakeViewOfDoubles(mobula::View<std::vector<double>> x);
void TakeSpanToWrite(std::span<short> x);
void TakeSpanOfTexts(std::span<const std::string> x);
void TakeFixedSpan(std::span<const short, 3> x);
mobula::View<std::vector<char>> ReturnView();
void TakeHoldsActor(HoldsActor);
void TakePointer(double* x);
void TakeCString(const char* text);
void TakeReference(int& x);
void TakeRef(mobula::Ref<float> x);
void TakeVariadic(int x, ...);
void TakeAbstract(const Abstract& x);
long* ReturnPointer();
short* ReturnShorts();
const std::string& ReturnReference();
mobula::Coro<int&> GiveReference();
mobula::Coro<mobula::Coro<int>> GiveCoroutine();
mobula::Coro<unsigned*> GivePointer();
mobula::Generator<int> Numbers();
mobula::Generator<int> NumbersFrom(int first);
mobula::Generator<unsigned char*> YieldPointers();
mobula::Generator<int&> YieldReferences();
mobula::Generator<mobula::Generator<long>> YieldGenerators();
mobula::Coro<mobula::Generator<int>> GiveGenerator();
mobula::RefStream<int> ReturnStream();
struct HoldsStream {
  mobula::RefStream<long> stream;
};
HoldsStream ReturnHoldsStream();
void TakeStream(const mobula::RefStream<char>& stream);
mobula::RefStream<char> StreamOfChars();
mobula::RefStream<short> StreamOfShorts();
Private ReturnPrivate();
Derived ReturnDerived();
BitField ReturnBitField();
CArray ReturnCArray();
NamesPointer ReturnNamesPointer();
NoDefault ReturnNoDefault();
std::function<int()> ReturnFunction();
std::vector<std::unique_ptr<Private>> ReturnNested();

class Index {
 public:
  explicit Index(int shard);
  int Lookup(const std::string& word) const;
  static int Count();
  int Volatile() volatile;
  std::string& Name();
  int public_member = 0;
};
class Other {
 public:
  int Method();
};
class PrivateConstructor {
  PrivateConstructor() = default;
};
class PrivateDestructor {
  ~PrivateDestructor() = default;
};

void SpawnWrongly() {
  int x = 0;
  mobula::Ref<long> a_long;

  mobula::Spawn<Take>();                        // wrong number of arguments
  mobula::Spawn<TakeTwo>(1, 2, 3);              // wrong number of arguments
  mobula::Spawn<Take>("text");                  // does not convert
  mobula::Spawn<Take>(a_long);                  // another type than the param
  mobula::Spawn<TakeHoldsView>(HoldsView());    // needs MOBULA_FIELDS
  mobula::Spawn<TakeHoldsActor>(HoldsActor());  // an Actor handle cannot travel
  mobula::Spawn<TakePointer>(nullptr);          // a pointer means nothing
  mobula::Spawn<TakeCString>("text");           // a pointer means nothing
  mobula::Spawn<TakeReference>(x);              // a non-const reference
  mobula::Spawn<TakeRef>(a_long);               // or the parameter a Ref<T>
  mobula::Spawn<TakeViewOfDoubles>(a_long);     // another type than the param
  mobula::Spawn<TakeViewOfMap>(a_long);         // a View is of std::string, or
  mobula::Spawn<TakeSpanToWrite>(a_long);       // must be of const numbers
  mobula::Spawn<TakeSpanOfTexts>(a_long);       // must be of const numbers
  mobula::Spawn<TakeFixedSpan>(a_long);         // and of any length
  mobula::Spawn<ReturnView>();                  // a View cannot be returned
  mobula::Spawn<TakeVariadic>(1);               // no '...' parameters
  mobula::Spawn<TakeAbstract>(1);               // an abstract class cannot
  mobula::Spawn<ReturnPointer>();               // a pointer means nothing
  mobula::Spawn<ReturnReference>();             // cannot return a reference
  mobula::Spawn<GiveReference>();               // cannot give a reference
  mobula::Spawn<GiveCoroutine>();               // cannot give a coroutine
  mobula::Spawn<GivePointer>();                 // a pointer means nothing
  mobula::Spawn<ReturnPrivate>();               // needs MOBULA_FIELDS
  mobula::Spawn<ReturnDerived>();               // which may name the base's
  mobula::Spawn<ReturnBitField>();              // with bit-fields or C arrays
  mobula::Spawn<ReturnCArray>();                // with bit-fields or C arrays
  mobula::Spawn<ReturnNamesPointer>();          // MOBULA_FIELDS names cannot
  (void)mobula::FieldNames<Private>();          // FieldNames of a type without
  mobula::Spawn<ReturnNoDefault>();             // needs a public default con
  mobula::Spawn<ReturnFunction>();              // needs MOBULA_FIELDS
  mobula::Spawn<ReturnNested>();                // needs MOBULA_FIELDS
  mobula::Spawn<&Index::Lookup>("x");           // Spawn of a method
  mobula::Spawn<&Index::public_member>();       // Spawn of a data member
  mobula::Spawn<[](auto y) { return y; }>(1);   // Spawn of a generic or mutable
  mobula::Spawn<7>(1);                          // Spawn wants a function
}

int main() {
  int x = 0;
  mobula::Ref<long> a_long;
  std::vector<int> a_vector;
  mobula::Actor<Index> index = mobula::Create<Index>(1);

  mobula::Bind<Take>(std::string());          // does not convert
  mobula::Bind<&Other::Method>();             // Spawn of a method
  mobula::Map<Take>(7);                       // want a range of elements
  mobula::Starmap<Take>(std::vector<int>());  // a range of tuples, pairs or
  mobula::MapChunks<TakeTwo>(2, a_vector);    // a function of one parameter
  mobula::Stream<Take>(7L);                   // want a range of elements
  mobula::Put(&x);                            // a pointer means nothing
  mobula::Put(Pinned());                      // must be movable
  mobula::Put(mobula::View<std::string>());   // a View cannot be returned or
  mobula::NewBuffer<std::string>(3);          // are numbers or bytes
  mobula::GetView(a_long);                    // other values must be decoded
  mobula::Create<int>(1);                     // Create wants a class
  mobula::GetActor<int>("index");             // GetActor wants the actor's
  mobula::KvPut("key", &a_long);              // a pointer means nothing
  mobula::KvGet<float*>("key");               // a pointer means nothing
  mobula::KvPut("key", a_long);               // a Ref cannot be kept under
  mobula::Create<Abstract>();                 // Create of an abstract class
  mobula::Create<Index>("x");                 // no public constructor
  mobula::Create<PrivateConstructor>();       // no public constructor
  mobula::Create<PrivateDestructor>();        // whose destructor is not pub
  index.Call<&Other::Method>();               // a method of another class
  index.Call<&Index::Count>();                // Call of a static method
  index.Call<&Index::public_member>();        // Call of a data member
  index.Call<&Index::Volatile>();             // Call wants a method
  index.Call<&Index::Name>();                 // cannot return a reference
  index.Call<&Index::Lookup>(1, 2);           // wrong number of arguments
  index.Call<&Index::Lookup>(index);          // does not convert
  RegisterNamed<&Index::public_member>("x");  // MOBULA_REMOTE wants a func
  RegisterNamed<ReturnShorts>("x");           // a pointer means nothing
  mobula::SpawnNamed<int>("named", &index);   // a pointer means nothing
  mobula::SpawnNamed<bool*>("named");         // a pointer means nothing
  index.CallNamed<int>("named", Secret());    // needs MOBULA_FIELDS
}

void GeneratorsAndStreams() {
  std::vector<int> a_vector;
  (void)mobula::Spawn<YieldPointers>();         // a pointer means nothing
  (void)mobula::Spawn<YieldReferences>();       // cannot yield references
  (void)mobula::Spawn<YieldGenerators>();       // a generator is no value
  mobula::Spawn<GiveGenerator>();               // a generator is no value
  mobula::Spawn<ReturnStream>();                // a RefStream cannot travel
  mobula::Spawn<ReturnHoldsStream>();           // a RefStream cannot travel
  mobula::Spawn<TakeStream>(StreamOfChars());   // a RefStream cannot travel
  mobula::Put(StreamOfShorts());                // a RefStream cannot travel
  mobula::Bind<Numbers>();                      // functions that give one value
  mobula::MapChunks<NumbersFrom>(2, a_vector);  // functions that give one value
  RegisterNamed<Numbers>("x");                  // MOBULA_REMOTE of a generator
}
