#include "gcs/core/answer_table.h"

#include <algorithm>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/codec/codec.h"
#include "gcs/core/record.h"

namespace mobula::gcs {
namespace {

bool IsRemembered(const base::ControlReply& reply) {
  return std::holds_alternative<base::Done>(reply) ||
         std::holds_alternative<base::ActorAnswer>(reply) ||
         std::holds_alternative<base::KeyAnswer>(reply) ||
         std::holds_alternative<base::PublishedAnswer>(reply);
}

}  // namespace

std::string EncodeAnswer(const AnswerRecord& answer) {
  return base::Encode(answer);
}

bool DecodeAnswer(std::string_view bytes, AnswerRecord* answer,
                  std::string* error) {
  const auto limits = base::ReadLimits::ForMessage(bytes.size());
  if (!base::Decode(bytes, answer, error, limits)) return false;
  const bool is_ordinal =
      answer->ordinal >= 1 &&
      answer->ordinal <= static_cast<std::uint64_t>(kCountMax);
  if (is_ordinal && IsRemembered(answer->reply)) return true;
  *error = "an answer that says what cannot be";
  return false;
}

bool AnswerTable::Restore(base::ProcessId process, base::RequestId request,
                          const AnswerRecord& answer, std::string* error) {
  const Key key(process, request);
  if (answers_.contains(key) || by_age_.contains(answer.ordinal)) {
    *error = "the answer to request " + request.ToString() + " is there twice";
    return false;
  }
  answers_.emplace(key, answer);
  by_age_.emplace(answer.ordinal, key);
  ordinal_ = std::max(ordinal_, answer.ordinal);
  return true;
}

const base::ControlReply* AnswerTable::Find(base::ProcessId process,
                                            base::RequestId request) const {
  const auto known = answers_.find(Key(process, request));
  return known == answers_.end() ? nullptr : &known->second.reply;
}

void AnswerTable::Add(const base::ControlCall& call, base::NodeId node,
                      base::ControlReply reply, Effects& effects) {
  MOBULA_CHECK(IsRemembered(reply));
  const Key key(call.from, call.request);
  AnswerRecord answer;
  answer.ordinal = ++ordinal_;
  answer.node = node;
  answer.reply = std::move(reply);
  PutRecord(AnswerRecordKey(key.first, key.second), EncodeAnswer(answer),
            effects);
  by_age_.emplace(answer.ordinal, key);
  MOBULA_CHECK(answers_.emplace(key, std::move(answer)).second);
  ForgetOldest(effects);
}

void AnswerTable::ForgetOldest(Effects& effects) {
  while (answers_.size() > answers_max_) {
    const Key oldest = by_age_.begin()->second;
    Forget(oldest, effects);
  }
}

void AnswerTable::Trim(base::ProcessId process, std::uint64_t done_below,
                       Effects& effects) {
  const auto next = [this, process] {
    return answers_.lower_bound(Key(process, base::RequestId()));
  };
  for (auto at = next(); at != answers_.end() && at->first.first == process &&
                         at->first.second.lo < done_below;
       at = next()) {
    const Key key = at->first;
    Forget(key, effects);
  }
}

void AnswerTable::ForgetNode(base::NodeId node, Effects& effects) {
  std::vector<Key> gone;
  for (const auto& [key, answer] : answers_) {
    if (answer.node == node) gone.push_back(key);
  }
  for (const Key& key : gone) Forget(key, effects);
}

void AnswerTable::ForgetProcess(base::ProcessId process, Effects& effects) {
  Trim(process, ~std::uint64_t{0}, effects);
}

void AnswerTable::Forget(const Key& key, Effects& effects) {
  const auto known = answers_.find(key);
  MOBULA_CHECK(known != answers_.end());
  EraseRecord(AnswerRecordKey(key.first, key.second), effects);
  MOBULA_CHECK(by_age_.erase(known->second.ordinal) == 1);
  answers_.erase(known);
}

void AnswerTable::CheckInvariants() const {
  MOBULA_CHECK(answers_.size() == by_age_.size());
  MOBULA_CHECK(answers_.size() <= answers_max_);
  for (const auto& [ordinal, key] : by_age_) {
    MOBULA_CHECK(ordinal <= ordinal_);
    MOBULA_CHECK(answers_.at(key).ordinal == ordinal);
  }
}

}  // namespace mobula::gcs
