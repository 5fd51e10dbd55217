-- What wrk asks for, told by the environment: a published name, but on loopback; a result that a
-- program can read.

local body = tonumber(os.getenv("BENCH_BODY") or "0")

function wrk.resolve(host, service)
    wrk.addrs = wrk.lookup("127.0.0.1", service)
    wrk.headers["Host"] = host
end

if body > 0 then
    wrk.method = "POST"
    wrk.body = string.rep("x", body)
    wrk.headers["Content-Type"] = "application/octet-stream"
end

function done(summary, latency, requests)
    local failed = summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.status + summary.errors.timeout
    io.write(string.format("BENCH %d %d %d\n", summary.requests, failed, summary.duration))
end
