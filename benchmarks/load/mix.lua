-- What a real account sends, by chance: 5 % refused upserts, 5 % searches, 20 % creates by upsert,
-- 70 % updates by upsert.

require("report")

local headers

function init(args)
  read_arguments(args)
  math.randomseed(values.seed)
  headers = headers_for(values.keys)
end

function request()
  local turn = math.random(100)
  if turn <= 5 then
    return wrk.format("PUT", values.path, headers, refused_upsert())
  elseif turn <= 10 then
    return wrk.format("POST", values.search_path, headers, next_search())
  end
  local person = turn <= 30 and new_person() or stored_person()
  return wrk.format("PUT", values.path, headers, upsert_of(person))
end
