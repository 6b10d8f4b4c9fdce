#include "cli/tools/token.h"

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "base/security/credentials.h"
#include "base/security/join_token.h"
#include "base/security/secret_file.h"
#include "base/tls/door_call.h"

namespace mobula::cli {
namespace {

int Complain(const std::string& sentence) {
  std::fprintf(stderr, "mobula token: %s\n", sentence.c_str());
  return 1;
}

// Where a token lies of which nothing else is said; "" without a home.
std::string UsualPath(const std::string& text) {
  std::string error;
  const auto token = base::JoinToken::Parse(text, &error);
  const std::string beside = base::CredentialsPath("x");
  if (!token || beside.empty()) return "";
  const std::filesystem::path folder =
      std::filesystem::path(beside).parent_path().parent_path() / "tokens";
  return folder / (token->id.ToString() + ".token");
}

}  // namespace

std::optional<std::int64_t> ParseSeconds(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, number);
  constexpr std::int64_t kNumberMax = 1'000'000;
  if (failed != std::errc() || stop + 1 != end || number < 1 ||
      number > kNumberMax) {
    return std::nullopt;
  }
  switch (*stop) {
    case 's':
      return number;
    case 'm':
      return number * 60;
    case 'h':
      return number * 3600;
    default:
      return std::nullopt;
  }
}

int RunToken(const TokenCommand& command) {
  std::string error;
  const auto store = ChooseStore(command.store, &error);
  if (!store) return Complain(error);
  if (store->address.path.empty()) {
    return Complain(
        "tokens are made on the head's own machine, over its Unix "
        "socket, and " +
        store->address.ToString() + " is none");
  }
  const auto token = base::AskForToken(
      store->address, {command.lives_s, command.uses}, kAskPatience, &error);
  if (!token) return Complain(error);
  if (command.show) {
    std::printf("%s\n", token->c_str());
    return 0;
  }
  const std::string path =
      command.out.empty() ? UsualPath(*token) : command.out;
  if (path.empty()) return Complain("there is no HOME: name a file with --out");
  const std::string folder = std::filesystem::path(path).parent_path();
  const bool made =
      !command.out.empty() || base::MakeSecretFolder(folder, &error);
  if (!made || !base::WriteSecretFile(path, *token + "\n", &error)) {
    return Complain(error);
  }
  std::printf("%s\n", path.c_str());
  return 0;
}

}  // namespace mobula::cli
