// The --ray_ flags of a program's command line, which win over its RayConfig.
// Not for users.
//
//   RayConfig merged = WithFlags(config, argc, argv);
//
// --ray_address, --ray_job_namespace, --ray_head_args (split at spaces, added),
// --ray_default_actor_lifetime (detached, non_detached), --ray_runtime_env
// (JSON), and --ray_code_search_path, --ray_redis_username,
// --ray_redis_password, --ray_job_id, --ray_node_ip_address, --ray_logs_dir,
// --ray_session_dir, which are taken and mean nothing. "--flag=value" or
// "--flag value", with one dash or two; what comes after "--" is not looked at,
// and other flags are the program's own. Threading: pure. Failure: RayException
// for another --ray_ flag and for a value that is none.
#ifndef MOBULA_API_COMPAT_RAY_START_RAY_FLAGS_H_
#define MOBULA_API_COMPAT_RAY_START_RAY_FLAGS_H_

#include "api/compat/ray/api/ray_config.h"

namespace ray::internal {

RayConfig WithFlags(const RayConfig& config, int argc, char** argv);

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_START_RAY_FLAGS_H_
