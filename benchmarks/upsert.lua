-- A load for `wrk`: upserts random people of 100,000, as a web form would deliver them.
-- ONELEAD_KEY and ONELEAD_EMAIL name the caller; the address is that of PUT /leads/upsert.

local syllables = {"la", "ro", "mi", "ta", "ne", "xa", "do", "so", "be", "ku"}

wrk.method = "PUT"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-PW-Application"] = "developer_api"
wrk.headers["X-PW-AccessToken"] = os.getenv("ONELEAD_KEY")
wrk.headers["X-PW-UserEmail"] = os.getenv("ONELEAD_EMAIL") or "admin@example.com"

local body = '{"properties":{"name":"%s %sfield",'
  .. '"email":{"email":"p%d@field.example","category":"work"},'
  .. '"phone_numbers":[{"number":"512-555-%04d","category":"mobile"}],'
  .. '"company_name":"Field Supplies","title":"Buyer %d","tags":["fair"]},'
  .. '"match":{"field_name":"email","field_value":"p%d@field.example"}}'

local function word(number)
  return "P" .. syllables[number % 10 + 1] .. syllables[math.floor(number / 10) % 10 + 1]
    .. syllables[math.floor(number / 100) % 10 + 1]
end

function init()
  math.randomseed(os.time())
end

function request()
  local person = math.random(1, 100000)
  return wrk.format(nil, nil, nil, body:format(word(person), word(math.floor(person / 1000)),
    person, person % 10000, math.random(1, 1000), person))
end
