-- The defaults of a target: nothing before and after a batch, which is one call without its own transaction, and reads
-- files.

---@class pghost.load.Target
---@field budget pghost.load.Budget
---@field progress? table options of the progress bar
---@field undigested? boolean nobody asks for the SHA-256 of the files
---@field plan fun(self, files: any, rules?: pghost.Rules, options: table): pghost.Plan nothing is changed by it
---@field planned? fun(plan: pghost.Plan) called when the plan is made
---@field begin fun(self, plan, result) before the first batch
---@field each? fun(self, plan, result, load_batch: fun(batch: pghost.Batch)) gives the batches; nil: those of the plan
---@field tick? fun(self, records: integer, bytes: integer) called now and then while files are read
---@field before fun(self, plan, batch, result) before the transaction of a batch
---@field transaction fun(self, fn: fun(), plan, batch, result) in which a batch is loaded; it may call fn again
---@field streams fun(self, plan, batch): pghost.load.Streams makes the tables that are not there
---@field work fun(self, plan): pghost.load.Work? what is read in the place of files
---@field loaded? fun(self, plan, result, totals) what a COPY has counted
---@field filled fun(self, plan, result) at the end of that transaction
---@field done? fun(self, plan, file: pghost.FileResult) a file was read
---@field stopped fun(self, plan, result, message: string) raises: more rejects than the budget allows
---@field failed fun(self, plan, batch, message: string, code: string) raises: a COPY did not end well
---@field committed fun(self, plan, batch, result) after that transaction
---@field finish fun(self, plan, result) when all records are in
local Target = {}
Target.__index = Target

function Target.before() end

function Target.transaction(_, fn)
  fn()
end

function Target.work() end

function Target.filled() end

function Target.committed() end

return Target
