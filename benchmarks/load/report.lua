-- What all loads share: their arguments (name=value), the people of benchmarks/people.py, and one
-- line with the result as JSON.

values = {}

function read_arguments(args)
  for _, argument in ipairs(args) do
    local name, value = argument:match("^([^=]+)=(.*)$")
    values[name] = tonumber(value) or value
  end
end

local syllables = {"la", "ro", "mi", "ta", "ne", "xa", "do", "so", "be", "ku"}

local function word(number)
  return "P" .. syllables[number % 10 + 1] .. syllables[math.floor(number / 10) % 10 + 1]
    .. syllables[math.floor(number / 100) % 10 + 1]
end

function name_of(person)
  return word(person) .. " " .. word(math.floor(person / 1000)) .. "field"
end

function phone_of(person)
  return string.format("512-%03d-%04d", math.floor(person / 10000) % 1000, person % 10000)
end

-- The next person to deliver; every other one is not stored yet.
local delivered = 0
function next_person()
  delivered = delivered + 1
  if delivered % 2 == 0 then
    return values.first_new + (values.step or 1) * delivered / 2
  end
  return math.random(0, values.people - 1)
end

function print_result(requests, seconds, p50_us, p99_us, errors)
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, '
      .. '"refused": %d, "broken": %d}\n',
    requests, seconds, p50_us / 1000, p99_us / 1000, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end

function done(summary, latency, requests)
  print_result(summary.requests, summary.duration / 1e6, latency:percentile(50),
    latency:percentile(99), summary.errors)
end
