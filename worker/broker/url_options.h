// Options in the query of a broker URL: `amqps://host//?ssl_ca_certs=/etc/ca.pem&heartbeat=10`.
#pragma once

#include "protocol/url/url.h"
#include "worker/broker/settings.h"

namespace celeriac::worker {

// The settings for this one address: what its query says counts before the rest.
// Known are heartbeat and connect_timeout (seconds), login_method, ssl_ca_certs,
// ssl_certfile, ssl_keyfile and ssl_cert_reqs (none, optional, required, or Python's
// CERT_… names); as in kombu a `ssl_` option does not turn TLS on by itself. Throws
// ConfigError naming an unknown option or a bad value.
BrokerSettings with_url_options(BrokerSettings settings, const protocol::Url& url);

}  // namespace celeriac::worker
