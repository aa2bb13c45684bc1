---@meta pghost.native.remote
-- Objects behind URLs (bindings/lua/remote.c). Loading it makes URLs work wherever a file is opened.

local remote = {}

--- The keys of the objects below a prefix of a store, in its order.
---@param prefix string "s3://BUCKET/PREFIX"
---@param shallow? boolean without those that have a "/" after the prefix
---@return string[]? keys
---@return string? message
---@return string? code
function remote.list(prefix, shallow) end

--- Writes a file into an object: whole, or it stays as it was.
---@param file string
---@param url string "s3://BUCKET/KEY"
---@return true? done
---@return string? message
---@return string? code
function remote.upload(file, url) end

--- A URL as it may be shown and recorded: values of its query that look secret are "...".
---@param url string
---@return string
function remote.shown(url) end

return remote
