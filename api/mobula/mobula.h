// Mobula runs a program's ordinary functions and classes as remote functions
// and actors on worker processes. This is the one header to include.
//
//   #include <mobula/mobula.h>
//
//   int Square(int x) { return x * x; }
//
//   int main(int argc, char** argv) {
//     mobula::Runtime runtime = mobula::Init(argc, argv);
//     mobula::Ref<int> four = mobula::Spawn<Square>(2);
//     std::cout << mobula::Get(mobula::Spawn<Square>(four)) << "\n";  // 16
//   }
//
// The workers run this very executable: the library takes over before main, so
// main runs only here.
// Threading, errors: see the headers included.
#ifndef MOBULA_API_MOBULA_MOBULA_H_
#define MOBULA_API_MOBULA_MOBULA_H_

#include "api/mobula/actor.h"                  // IWYU pragma: export
#include "api/mobula/context.h"                // IWYU pragma: export
#include "api/mobula/coro/block_on.h"          // IWYU pragma: export
#include "api/mobula/coro/cancel.h"            // IWYU pragma: export
#include "api/mobula/coro/coro.h"              // IWYU pragma: export
#include "api/mobula/coro/debug.h"             // IWYU pragma: export
#include "api/mobula/coro/generator.h"         // IWYU pragma: export
#include "api/mobula/coro/pool.h"              // IWYU pragma: export
#include "api/mobula/coro/ref_await.h"         // IWYU pragma: export
#include "api/mobula/coro/scope.h"             // IWYU pragma: export
#include "api/mobula/coro/scope_options.h"     // IWYU pragma: export
#include "api/mobula/coro/sleep.h"             // IWYU pragma: export
#include "api/mobula/coro/task_group.h"        // IWYU pragma: export
#include "api/mobula/coro/with_scope.h"        // IWYU pragma: export
#include "api/mobula/error.h"                  // IWYU pragma: export
#include "api/mobula/init.h"                   // IWYU pragma: export
#include "api/mobula/io/byte_stream.h"         // IWYU pragma: export
#include "api/mobula/io/listen_options.h"      // IWYU pragma: export
#include "api/mobula/io/signals.h"             // IWYU pragma: export
#include "api/mobula/io/subprocess.h"          // IWYU pragma: export
#include "api/mobula/io/subprocess_options.h"  // IWYU pragma: export
#include "api/mobula/io/system_error.h"        // IWYU pragma: export
#include "api/mobula/io/tcp_listener.h"        // IWYU pragma: export
#include "api/mobula/io/tcp_stream.h"          // IWYU pragma: export
#include "api/mobula/io/udp_socket.h"          // IWYU pragma: export
#include "api/mobula/io/unix_listener.h"       // IWYU pragma: export
#include "api/mobula/io/unix_stream.h"         // IWYU pragma: export
#include "api/mobula/kv.h"                     // IWYU pragma: export
#include "api/mobula/named/remote.h"           // IWYU pragma: export
#include "api/mobula/nodes/nodes.h"            // IWYU pragma: export
#include "api/mobula/nodes/placement.h"        // IWYU pragma: export
#include "api/mobula/options.h"                // IWYU pragma: export
#include "api/mobula/published/publish.h"      // IWYU pragma: export
#include "api/mobula/ref.h"                    // IWYU pragma: export
#include "api/mobula/result.h"                 // IWYU pragma: export
#include "api/mobula/spawn.h"                  // IWYU pragma: export
#include "api/mobula/streams/ref_stream.h"     // IWYU pragma: export
#include "api/mobula/sync/barrier.h"           // IWYU pragma: export
#include "api/mobula/sync/channel.h"           // IWYU pragma: export
#include "api/mobula/sync/event.h"             // IWYU pragma: export
#include "api/mobula/sync/mutex.h"             // IWYU pragma: export
#include "api/mobula/sync/semaphore.h"         // IWYU pragma: export
#include "api/mobula/timeout.h"                // IWYU pragma: export
#include "api/mobula/values/buffer.h"          // IWYU pragma: export
#include "api/mobula/values/fields.h"          // IWYU pragma: export
#include "api/mobula/values/put_options.h"     // IWYU pragma: export
#include "api/mobula/values/view.h"            // IWYU pragma: export
#include "api/mobula/verbs/as_completed.h"     // IWYU pragma: export
#include "api/mobula/verbs/bound_call.h"       // IWYU pragma: export
#include "api/mobula/verbs/map.h"              // IWYU pragma: export
#include "api/mobula/verbs/remote.h"           // IWYU pragma: export
#include "api/mobula/verbs/settled.h"          // IWYU pragma: export
#include "api/mobula/verbs/split.h"            // IWYU pragma: export
#include "api/mobula/verbs/stream.h"           // IWYU pragma: export
#include "api/mobula/verbs/stream_options.h"   // IWYU pragma: export
#include "api/mobula/verbs/then.h"             // IWYU pragma: export
#include "api/mobula/verbs/when.h"             // IWYU pragma: export
#include "api/mobula/worker_setup.h"           // IWYU pragma: export

#endif  // MOBULA_API_MOBULA_MOBULA_H_
