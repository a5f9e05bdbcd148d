-- What all loads share: their arguments (name=value), the people of benchmarks/people.py, the calls
-- to onelead, and one line with the result as JSON.

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

local created = 0
function new_person()
  created = created + 1
  return values.first_new + (values.step or 1) * created
end

function stored_person()
  return math.random(0, values.people - 1)
end

-- The next person to deliver; every other one is not stored yet.
local is_new = true
function next_person()
  is_new = not is_new
  return is_new and new_person() or stored_person()
end

function headers_for(key)
  return {
    ["Content-Type"] = "application/json",
    ["X-PW-Application"] = "developer_api",
    ["X-PW-AccessToken"] = key,
    ["X-PW-UserEmail"] = values.email,
  }
end

local upsert = '{"properties":{"name":"%s","email":{"email":"p%d@field.example","category":"work"},'
  .. '"phone_numbers":[{"number":"%s","category":"mobile"}],'
  .. '"company_name":"Field Supplies","title":"Buyer %d","tags":["tag%d"]},'
  .. '"match":{"field_name":"email","field_value":"p%d@field.example"}}'

function upsert_of(person)
  return upsert:format(name_of(person), person, phone_of(person), math.random(1, 1000), person % 50,
    person)
end

-- An upsert by a name that very many leads share, which is refused.
function refused_upsert()
  return string.format('{"properties":{"title":"Buyer"},"match":{"field_name":"name","field_value":"%s"}}',
    values.name)
end

-- A search for a value that differs each time: in a criterion, %n is replaced by a number below n,
-- and %phone by a phone number. A | separates criteria, of which one is chosen.
local criteria
function next_search()
  if criteria == nil then
    criteria = {}
    for criterion in (values.criterion .. "|"):gmatch("(.-)|") do
      criteria[#criteria + 1] = criterion
    end
  end
  local number = stored_person()
  local criterion = criteria[math.random(#criteria)]
  criterion = criterion:gsub("%%phone", phone_of(number)):gsub("%%(%d+)", function(most)
    return tostring(number % tonumber(most))
  end)
  return string.format('{%s"page_number":%d,"page_size":20}', criterion, values.page)
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
