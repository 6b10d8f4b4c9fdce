// TaskRows as text for people and as JSON for programs.
//
//   shown.out = json ? JsonOf(all) : TextOf(all);   shown.err = NotesOf(all);
// The names of members are stable: programs read them.
// Threading: pure functions.
#ifndef MOBULA_CLI_TABLES_TASK_TEXT_H_
#define MOBULA_CLI_TABLES_TASK_TEXT_H_

#include <string>

#include "cli/tables/task_rows.h"

namespace mobula::cli {

std::string TextOf(const TaskRows& all);
std::string JsonOf(const TaskRows& all);
// Sums instead, by function or state.
std::string TextOfGroups(const TaskRows& all, const std::string& group_by);
std::string JsonOfGroups(const TaskRows& all, const std::string& group_by);
// What is not shown, and who is silent; "" if nothing and nobody.
// `with_left_out`: where rows are shown.
std::string NotesOf(const TaskRows& all, bool with_left_out);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TABLES_TASK_TEXT_H_
