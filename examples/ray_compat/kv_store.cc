// A key-value store of two actors: what is put into the main one goes to the
// backup too, from which a main one that died fetches what it had.
#include <ray/api.h>

#include <iostream>
#include <string>
#include <unordered_map>
#include <utility>

const char kMain[] = "main_server";
const char kBackup[] = "backup_server";

using Store = std::unordered_map<std::string, std::string>;

class BackupServer {
 public:
  static BackupServer* Create() { return new BackupServer; }

  void Sync(std::string key, std::string value) {
    store_[std::move(key)] = std::move(value);
  }
  Store All() { return store_; }

 private:
  Store store_;
};
RAY_REMOTE(BackupServer::Create, &BackupServer::Sync, &BackupServer::All);

class MainServer {
 public:
  MainServer() {
    if (!ray::WasCurrentActorRestarted()) return;
    boost::optional<ray::ActorHandle<BackupServer>> backup =
        ray::GetActor<BackupServer>(kBackup);
    if (backup) store_ = *(*backup).Task(&BackupServer::All).Remote().Get();
  }
  static MainServer* Create() { return new MainServer; }

  void Put(const std::string& key, const std::string& value) {
    // The backup has it first.
    auto backup = ray::GetActor<BackupServer>(kBackup);
    (*backup).Task(&BackupServer::Sync).Remote(key, value).Get();
    store_[key] = value;
  }
  std::pair<bool, std::string> Get(const std::string& key) {
    const auto it = store_.find(key);
    if (it == store_.end()) return {false, ""};
    return {true, it->second};
  }

 private:
  Store store_;
};
RAY_REMOTE(MainServer::Create, &MainServer::Put, &MainServer::Get);

void Print(const std::string& key) {
  auto server = *ray::GetActor<MainServer>(kMain);
  const auto found = server.Task(&MainServer::Get).Remote(key).Get();
  std::cout << key << ": " << (found->first ? found->second : "not there")
            << std::endl;
}

int main(int argc, char** argv) {
  ray::RayConfig config;
  config.ray_namespace = "kv_store";
  ray::Init(config, argc, argv);

  auto backup = ray::Actor(BackupServer::Create).SetName(kBackup).Remote();
  auto server =
      ray::Actor(MainServer::Create).SetName(kMain).SetMaxRestarts(-1).Remote();
  server.Task(&MainServer::Put).Remote("manta", "a ray").Get();
  server.Task(&MainServer::Put).Remote("mobula", "a ray that leaps").Get();
  Print("manta");
  Print("whale");

  server.Kill(false);
  Print("mobula");

  ray::Shutdown();
  return 0;
}
