#include "cli/tables/text_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "cli/tables/json_text.h"

namespace mobula::cli {

std::size_t WidthOf(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

TextTable::TextTable(std::vector<std::string> titles) {
  rows_.push_back(std::move(titles));
}

void TextTable::Add(const std::vector<std::string>& cells) {
  MOBULA_CHECK(cells.size() == rows_.front().size());
  std::vector<std::string>& row = rows_.emplace_back();
  for (const std::string& cell : cells) row.push_back(Printable(cell));
}

std::string TextTable::Text() const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (std::size_t i = 1; i < rows_.size(); ++i) {
    for (std::size_t at = 0; at < widths.size(); ++at) {
      widths[at] = std::max(widths[at], WidthOf(rows_[i][at]));
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    std::size_t end = 0;  // of what is written, and where the next begins
    for (std::size_t at = 0; at < widths.size(); ++at) {
      if (widths[at] == 0) continue;
      line.append(end - WidthOf(line), ' ');
      line += row[at];
      end += std::max(widths[at], WidthOf(rows_.front()[at])) + 2;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace mobula::cli
