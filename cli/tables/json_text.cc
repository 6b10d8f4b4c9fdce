#include "cli/tables/json_text.h"

#include <array>
#include <cstdio>

namespace mobula::cli {
namespace {

std::string Escaped(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  const auto code = static_cast<unsigned char>(c);
  if (code >= 0x20 && code != 0x7f) return std::string(1, c);
  std::array<char, 8> text;
  std::snprintf(text.data(), text.size(), "\\u%04x", code);
  return text.data();
}

bool IsControl(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  // U+0080 to U+009F: a terminal may obey those too.
  return first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
}

}  // namespace

std::size_t Utf8Size(std::string_view text) {
  if (text.empty()) return 0;
  const auto at = [text](std::size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  if (at(0) < 0x80) return 1;
  std::size_t size = 0;
  unsigned lowest = 0x80;
  unsigned highest = 0xbf;
  if (at(0) >= 0xc2 && at(0) <= 0xdf) size = 2;
  if (at(0) >= 0xe0 && at(0) <= 0xef) size = 3;
  if (at(0) >= 0xf0 && at(0) <= 0xf4) size = 4;
  if (at(0) == 0xe0) lowest = 0xa0;   // overlong
  if (at(0) == 0xed) highest = 0x9f;  // surrogates
  if (at(0) == 0xf0) lowest = 0x90;
  if (at(0) == 0xf4) highest = 0x8f;  // above U+10FFFF
  if (size == 0 || text.size() < size) return 0;
  if (at(1) < lowest || at(1) > highest) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  return size;
}

std::string JsonString(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const std::size_t size = Utf8Size(text);
    if (size == 1) {
      json += Escaped(text[0]);
    } else if (size == 0) {
      json += "\\ufffd";
    } else {
      json += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return json + "\"";
}

std::string JsonArray(const std::vector<std::string>& items) {
  std::string json = "[";
  for (const std::string& item : items) {
    if (json.size() > 1) json += ",";
    json += item;
  }
  return json + "]";
}

JsonObject& JsonObject::Add(std::string_view key, std::string_view json) {
  if (!members_.empty()) members_ += ",";
  members_ += "\"";
  members_ += key;
  members_ += "\":";
  members_ += json;
  return *this;
}

std::string Printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t size = Utf8Size(text);
    if (size == 0 || IsControl(text.substr(0, size))) {
      shown += "?";
    } else {
      shown += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return shown;
}

}  // namespace mobula::cli
