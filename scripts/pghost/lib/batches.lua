-- Sends values to the server a few hundred at a time.

local M = {}

local size = 500

---@class pghost.Batches
---@field private send fun(batch: any[])
---@field private batch any[]
local Batches = {}
Batches.__index = Batches

---@param send fun(batch: any[]) never with an empty one
---@return pghost.Batches
function M.new(send)
  return setmetatable({ send = send, batch = {} }, Batches)
end

--- Sends what has gathered; to be called at the end, too.
function Batches:flush()
  if #self.batch > 0 then
    self.send(self.batch)
    self.batch = {}
  end
end

---@param value any
function Batches:add(value)
  self.batch[#self.batch + 1] = value
  if #self.batch >= size then
    self:flush()
  end
end

return M
