// The snippets of docs/guide/actors.md.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <cstdint>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace guide {

class Account {
 public:
  explicit Account(std::string owner) : owner_(std::move(owner)) {}
  std::int64_t Add(std::int64_t amount) { return balance_ += amount; }
  std::string Owner() const { return owner_; }

 private:
  std::string owner_;
  std::int64_t balance_ = 0;
};

std::int64_t Deposit(const std::string& name, std::int64_t amount) {
  mobula::Actor<Account> account = mobula::GetActor<Account>(name);
  return mobula::Get(account.Call<&Account::Add>(amount));
}

class Cache {
 public:
  Cache() {
    if (mobula::WasRestarted()) std::cout << "empty again" << std::endl;
  }
  void Put(const std::string& key, int value) { values_[key] = value; }
  int Find(const std::string& key) const { return values_.at(key); }

 private:
  std::map<std::string, int> values_;
};

class ActorsTest : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(2));
};

TEST_F(ActorsTest, CreateAndCall) {
  mobula::Actor<Account> account = mobula::Create<Account>("anna");
  account.Call<&Account::Add>(100);
  mobula::Ref<std::int64_t> balance = account.Call<&Account::Add>(-30);
  std::cout << mobula::Get(balance) << "\n";  // 70
  EXPECT_EQ(mobula::Get(balance), 70);
  EXPECT_EQ(mobula::Get(account.Call<&Account::Owner>()), "anna");
  mobula::Kill(account);
  EXPECT_THROW(mobula::Get(account.Call<&Account::Owner>()), mobula::ActorDied);
}

TEST_F(ActorsTest, CallsMadeBeforeTheLastHandleWentAreAnswered) {
  mobula::Ref<std::int64_t> balance;
  {
    const auto account = mobula::Create<Account>("anna");
    account.Call<&Account::Add>(100);
    balance = account.Call<&Account::Add>(1);
  }
  EXPECT_EQ(mobula::Get(balance), 101);
}

TEST_F(ActorsTest, FoundByName) {
  auto anna =
      mobula::Create<Account>(mobula::ActorOptions().Name("anna"), "anna");
  EXPECT_EQ(mobula::Get(mobula::Spawn<Deposit>("anna", 5)), 5);
  EXPECT_EQ(mobula::Get(anna.Call<&Account::Add>(1)), 6);
  EXPECT_THROW(
      mobula::Create<Account>(mobula::ActorOptions().Name("anna"), "bert"),
      mobula::NameTaken);
  EXPECT_THROW(mobula::GetActor<Account>("bert"), mobula::NoSuchActor);
}

TEST_F(ActorsTest, ManyInOneProcess) {
  const auto shared = mobula::ActorOptions().Shared().MaxRestarts(3);
  std::vector<mobula::Actor<Account>> accounts;
  for (int i = 0; i < 1'000; ++i) {
    accounts.push_back(mobula::Create<Account>(shared, std::to_string(i)));
  }
  EXPECT_EQ(mobula::Get(accounts[999].Call<&Account::Owner>()), "999");
  mobula::Result<std::int64_t> sum =
      accounts[7].Call<&Account::Add>(1).TryGet();
  if (!sum.ok() && sum.error().code() == mobula::ErrorCode::kCoHosted) {
    // Another one ended the process that it shared: it lives again, empty.
  }
  ASSERT_TRUE(sum.ok());
  EXPECT_EQ(sum.value(), 1);
}

TEST_F(ActorsTest, CallsOfAnActorThatIsBornAgain) {
  const auto cache =
      mobula::Create<Cache>(mobula::ActorOptions().MaxRestarts(-1));
  // Twice is as good as once: let the runtime call again.
  cache.Call<&Cache::Put>(mobula::CallOptions().Retries(3), "one", 1);

  // An answer must come from whom I fed: bind the call to that incarnation.
  mobula::Ref<void> fed = cache.Call<&Cache::Put>("two", 2);
  mobula::Get(fed);
  const auto of_that = mobula::CallOptions().Incarnation(fed.Incarnation());
  mobula::Result<int> two = cache.Call<&Cache::Find>(of_that, "two").TryGet();
  if (!two.ok() && two.error().code() == mobula::ErrorCode::kActorRestarted) {
    cache.Call<&Cache::Put>("two", 2);  // it was reborn: feed it again
  }

  ASSERT_TRUE(two.ok()) << two.error().what();
  EXPECT_EQ(*two, 2);
  EXPECT_EQ(mobula::Get(cache.Call<&Cache::Find>("one")), 1);
  mobula::Kill(cache, mobula::KillOptions().Restart());
  two = cache.Call<&Cache::Find>(of_that, "two").TryGet();
  ASSERT_FALSE(two.ok());
  EXPECT_EQ(two.error().code(), mobula::ErrorCode::kActorRestarted);
  EXPECT_THROW(mobula::Get(cache.Call<&Cache::Find>("two")), std::out_of_range);
}

}  // namespace guide
