// Exceptions: of tasks, of actors and their factories, of workers that die, of
// time that is over.
#include <ray/api.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

int ThrowTask() { throw std::logic_error("a mistake"); }
int Plus(int x, int y) { return x + y; }
int Die() {
  ::kill(::getpid(), SIGKILL);
  return 0;
}
int Sleep(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
  return ms;
}
RAY_REMOTE(ThrowTask, Plus, Die, Sleep);

class Account {
 public:
  explicit Account(int balance) : balance_(balance) {
    if (balance < 0) throw std::invalid_argument("no account begins in debt");
  }
  static Account* Create(int balance) { return new Account(balance); }
  int Take(int amount) {
    if (amount > balance_) throw std::out_of_range("not enough");
    return balance_ -= amount;
  }
  void Close() { ray::ExitActor(); }

 private:
  int balance_;
};
RAY_REMOTE(Account::Create, &Account::Take, &Account::Close);

int NotRegistered() { return 0; }

bool Says(const std::exception& error, const std::string& text) {
  return std::string(error.what()).find(text) != std::string::npos;
}

template <typename Ref>
void Print(const std::string& name, const Ref& ref) {
  try {
    ref.Get();
    std::cout << name << ": no exception" << std::endl;
  } catch (const ray::internal::RayTaskException& e) {
    std::cout << name << ": RayTaskException"
              << (Says(e, "std::logic_error") ? ", std::logic_error" : "")
              << (Says(e, "std::out_of_range") ? ", std::out_of_range" : "")
              << (Says(e, "a mistake") ? ", a mistake" : "") << std::endl;
  } catch (const ray::internal::RayActorException&) {
    std::cout << name << ": RayActorException" << std::endl;
  } catch (const ray::internal::RayWorkerException&) {
    std::cout << name << ": RayWorkerException" << std::endl;
  } catch (const ray::internal::RayException& e) {
    std::cout << name << ": RayException " << e.what() << std::endl;
  }
}

int main(int argc, char** argv) {
  ray::RayConfig config;
  ray::Init(config, argc, argv);

  Print("task", ray::Task(ThrowTask).Remote());
  Print("its argument",
        ray::Task(Plus).Remote(ray::Task(ThrowTask).Remote(), 1));
  Print("dead worker", ray::Task(Die).Remote());

  auto account = ray::Actor(Account::Create).Remote(10);
  Print("enough", account.Task(&Account::Take).Remote(4));
  Print("not enough", account.Task(&Account::Take).Remote(7));
  Print("still enough", account.Task(&Account::Take).Remote(6));
  account.Task(&Account::Close).Remote();
  Print("closed", account.Task(&Account::Take).Remote(0));

  auto debt = ray::Actor(Account::Create).Remote(-1);
  Print("not created", debt.Task(&Account::Take).Remote(0));

  auto slow = ray::Task(Sleep).Remote(300);
  try {
    slow.Get(10);
  } catch (const ray::internal::RayTimeoutException&) {
    std::cout << "timed out" << std::endl;
  }
  std::cout << "then " << *slow.Get() << std::endl;

  try {
    ray::Task(NotRegistered).Remote();
  } catch (const ray::internal::RayException& e) {
    std::cout << "not registered: " << e.what() << std::endl;
  }

  ray::Shutdown();
  return 0;
}
