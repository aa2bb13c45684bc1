-- A zip is loaded as a whole: either its files belong to one table and are all clear, or it is left out.

local M = {}

local function of_zip(one)
  return one.file and one.file.member and one.file.path
end

-- For each zip: why it cannot be loaded.
local function reasons_of(refused, groups)
  local reasons, home = {}, {}
  for _, group in ipairs(groups) do
    for _, one in ipairs(group) do
      local zip = of_zip(one)
      if zip and home[zip] and home[zip] ~= group then
        reasons[zip] = "its files are not one table, and a zip is loaded as a whole: unpack it"
      end
      home[zip or false] = group
    end
  end
  for _, one in ipairs(refused) do
    local zip = of_zip(one)
    if zip and home[zip] then
      reasons[zip] = ("'%s' in it cannot be loaded (%s), and a zip is loaded as a whole: unpack it"):format(
        one.file.member, one.reason)
    end
  end
  return reasons
end

--- Leaves out each zip that cannot be loaded as a whole, once.
---@param seen pghost.init.Seen[]
---@param refused pghost.init.Refused[]
---@param groups pghost.init.Seen[][] the files of each table
---@return pghost.init.Seen[] seen
---@return pghost.init.Refused[] refused
function M.only(seen, refused, groups)
  local reasons = reasons_of(refused, groups)
  local kept, left, told = {}, {}, {}
  local function leave(one, list)
    local zip = of_zip(one)
    if not (zip and reasons[zip]) then
      list[#list + 1] = one
    elseif not told[zip] then
      told[zip] = true
      left[#left + 1] = { path = one.path, reason = reasons[zip], file = one.file }
    end
  end
  for _, one in ipairs(refused) do
    leave(one, left)
  end
  for _, one in ipairs(seen) do
    leave(one, kept)
  end
  return kept, left
end

return M
