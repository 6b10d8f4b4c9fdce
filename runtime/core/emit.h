// Emit and SendTo append effects, built in place: an Effect and a Message are
// large variants, and moving one through the other costs more than the rest of
// a step.
//
//   Emit(effects, Ready{object, outcome, incarnation});
//   SendTo(effects, worker, base::CancelTask{task});
// Threading: none.
#ifndef MOBULA_RUNTIME_CORE_EMIT_H_
#define MOBULA_RUNTIME_CORE_EMIT_H_

#include <utility>
#include <variant>

#include "base/frames/message.h"
#include "base/ids.h"
#include "runtime/core/events.h"

namespace mobula::runtime {

template <class E>
void Emit(Effects& effects, E effect) {
  effects.emplace_back(std::in_place_type<E>, std::move(effect));
}

template <class M>
void SendTo(Effects& effects, base::ProcessId to, M message) {
  Effect& effect = effects.emplace_back(std::in_place_type<Send>);
  Send& send = *std::get_if<Send>(&effect);
  send.to = to;
  send.message.emplace<M>(std::move(message));
}

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_EMIT_H_
