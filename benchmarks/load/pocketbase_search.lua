-- PocketBase searched by e-mail, then written: two requests per upsert, on one connection per
-- thread. The latency of both together is measured here, because wrk counts them separately.

require("report")

local ffi = require("ffi")
ffi.cdef[[
typedef struct { long seconds; long nanoseconds; } moment;
int clock_gettime(int clock, moment *now);
]]
local now = ffi.new("moment")
local function microseconds()
  ffi.C.clock_gettime(1, now)
  return tonumber(now.seconds) * 1e6 + tonumber(now.nanoseconds) / 1e3
end

local all_threads = {}
local number_of_threads = 0

function setup(thread)
  thread:set("thread_number", number_of_threads)
  number_of_threads = number_of_threads + 1
  table.insert(all_threads, thread)
end

local headers
local person, found, started
upserts, refusals = 0, 0
-- The number of upserts by their time, in hundredths of a millisecond.
took = {}

function init(args)
  read_arguments(args)
  math.randomseed(values.seed + thread_number)
  -- Each thread has its own numbers.
  values.step = values.threads
  values.first_new = values.first_new + thread_number
  headers = {["Content-Type"] = "application/json", ["Authorization"] = values.token}
end


local search = "/api/collections/leads/records?perPage=1&skipTotal=1&filter=(email%%3D'p%d@field.example')"
local body = '{"name":"%s","email":"p%d@field.example",'
  .. '"phone_numbers":[{"number":"%s","category":"mobile"}],'
  .. '"company_name":"Field Supplies","title":"Buyer %d","tags":["tag%d"]}'

function request()
  if found == nil then
    -- Before it begins, wrk asks for one request that it does not send.
    person = person or next_person()
    started = microseconds()
    return wrk.format("GET", search:format(person), headers)
  end
  local properties = body:format(name_of(person), person, phone_of(person), math.random(1, 1000),
    person % 50)
  if found == "" then
    return wrk.format("POST", "/api/collections/leads/records", headers, properties)
  end
  return wrk.format("PATCH", "/api/collections/leads/records/" .. found, headers, properties)
end

function response(status, _, answer)
  if status >= 400 then
    refusals = refusals + 1
    person, found = nil, nil
  elseif found == nil then
    found = answer:match('"id":"([^"]+)"') or ""
  else
    upserts = upserts + 1
    local slot = math.floor((microseconds() - started) / 10)
    took[slot] = (took[slot] or 0) + 1
    person, found = nil, nil
  end
end

function done(summary, latency, requests)
  local counts, slots, total, refused = {}, {}, 0, 0
  for _, thread in ipairs(all_threads) do
    total = total + thread:get("upserts")
    refused = refused + thread:get("refusals")
    for slot, count in pairs(thread:get("took")) do
      if counts[slot] == nil then
        slots[#slots + 1] = slot
      end
      counts[slot] = (counts[slot] or 0) + count
    end
  end
  table.sort(slots)
  local function percentile(share)
    local seen = 0
    for _, slot in ipairs(slots) do
      seen = seen + counts[slot]
      if seen >= total * share then
        return slot * 10
      end
    end
    return 0
  end
  local errors = summary.errors
  errors.status = refused
  print_result(total, summary.duration / 1e6, percentile(0.5), percentile(0.99), errors)
end
