// The sniffer: first chooses the dialect by a sample, then passes over the whole file.
#include "sniff/sniff.h"

#include <errno.h>
#include <strings.h>

#include "base/interrupt.h"
#include "sniff/around.h"
#include "sniff/below.h"
#include "sniff/restart.h"
#include "sniff/rivals.h"

enum {
  READ_BYTES = 256 * 1024,
  KEPT_BYTES = 64 * 1024,       // kept back until the end is known: the footer is in there
  WINDOW_BYTES = 1024 * 1024,   // of records in one go
  MAX_RECORD = 4 * 1024 * 1024, // a quote that is open for longer is none
  MAX_FOOTER_LINES = 5,
  MAX_SAMPLE = 16 * 1024 * 1024, // that the dialect is told from, where records are long
  FEW_RECORDS = 5,
  FAULT_SHARE = 10, // fields in quotes to a record with a stray one: the quote is a fault
};

typedef struct Pass {
  Input *input;
  const SniffOptions *options;
  Sniff *sniff;
  Error *error;
  SampleDecoder decoder;
  Buffer raw;
  Buffer text; // decoded, from `offset` of the decoded file on
  uint64_t offset;
  size_t at;            // where the next record starts
  size_t checked;       // up to where bytes are known to be UTF-8
  bool ended;           // nothing more comes
  uint64_t line;        // physical line of the next record, from 1
  bool unquoted;        // no field was in quotes so far
  uint64_t footer_line; // where the footer starts
  SniffRecord record;
  SniffRestart restart;
} Pass;

static bool no_memory(Error *error) {
  return error_set_errno(error, ENOMEM, "could not sniff");
}

// Input

// Adds up to READ_BYTES to `raw`.
static bool read_more(Pass *pass) {
  if (interrupt_signal)
    return error_set(pass->error, "interrupted", "sniffing was interrupted");
  if (!buffer_reserve(&pass->raw, READ_BYTES))
    return no_memory(pass->error);
  ptrdiff_t got =
      pass->input->read(pass->input, pass->raw.data + pass->raw.len, READ_BYTES, pass->error);
  if (got < 0)
    return false;
  pass->raw.len += (size_t)got;
  pass->sniff->bytes += (size_t)got;
  if (got == 0)
    pass->ended = pass->sniff->whole = true;
  else if (pass->options->sample && pass->sniff->bytes >= pass->options->sample)
    pass->ended = true;
  return true;
}

static void decode_raw(Pass *pass) {
  size_t mark = pass->sniff->encoding.mark;
  size_t skipped = pass->offset == 0 && pass->text.len == 0 ? mark : 0;
  sample_decode(&pass->decoder, pass->raw.data + skipped, pass->raw.len - skipped, pass->ended,
                &pass->text);
  buffer_clear(&pass->raw);
}

// Counts invalid UTF-8 in the new text, and NULs.
static void check_bytes(Pass *pass) {
  Sniff *sniff = pass->sniff;
  size_t len = pass->text.len;
  unsigned char all = 0;
  const char *bytes = pass->text.data;
  for (const char *at = bytes + pass->checked; at < bytes + len; at++)
    if (!(at = memchr(at, 0, (size_t)(bytes + len - at))))
      break;
    else
      sniff->zeros++;
  for (size_t i = pass->checked; i < len; i++)
    all |= (unsigned char)bytes[i];
  sniff->columns.ascii = all < 0x80;
  while (all >= 0x80 && pass->checked < len) {
    pass->checked += sample_utf8_valid(bytes + pass->checked, len - pass->checked);
    if (pass->checked == len || (!pass->ended && len - pass->checked < 4))
      return;
    if (sniff->invalid++ == 0)
      sniff->invalid_offset = pass->offset + pass->checked;
    pass->checked++;
  }
  pass->checked = len;
}

// Refills the window; drops what has been read.
static bool fill(Pass *pass) {
  if (pass->at > 0) {
    pass->offset += pass->at;
    pass->text.len -= pass->at;
    pass->checked -= pass->at < pass->checked ? pass->at : pass->checked;
    memmove(pass->text.data, pass->text.data + pass->at, pass->text.len);
    pass->at = 0;
  }
  size_t wanted = pass->text.len + WINDOW_BYTES;
  while (!pass->ended && pass->text.len < wanted) {
    if (!read_more(pass))
      return false;
    decode_raw(pass);
  }
  check_bytes(pass);
  return !pass->text.failed || no_memory(pass->error);
}

// Records

static void note(SniffCount *count, const Pass *pass) {
  if (count->count++ == 0)
    count->line = pass->line;
}

// Records of another width up to the end: another table.
static void note_width(Pass *pass, size_t width) {
  Sniff *sniff = pass->sniff;
  if (pass->record.count == width || pass->record.unterminated) {
    sniff->second = (SniffCount){0};
    return;
  }
  if (sniff->second.count > 0 && sniff->second_fields != pass->record.count)
    sniff->second = (SniffCount){0};
  note(&sniff->second, pass);
  sniff->second_fields = pass->record.count;
}

static void take_good(Pass *pass) {
  Sniff *sniff = pass->sniff;
  const SniffRecord *record = &pass->record;
  if (record->count > 1 && sniff_restart(&pass->restart, record, pass->line) && sniff->restart == 0)
    sniff->restart = pass->restart.line;
  sniff_columns_add(&sniff->columns, &sniff->guesses.list[0].dialect, record, pass->line);
}

static void note_record(Pass *pass) {
  Sniff *sniff = pass->sniff;
  const SniffRecord *record = &pass->record;
  const SniffGuess *guess = &sniff->guesses.list[0];
  sniff->records++;
  note_width(pass, guess->columns);
  if (record->broken)
    note(&sniff->broken, pass);
  if (record->lone_cr)
    note(&sniff->lone_cr, pass);
  if (record->unterminated)
    note(&sniff->unterminated, pass);
  else if (record->count < guess->columns)
    note(&sniff->few, pass);
  else if (record->count > guess->columns)
    note(&sniff->many, pass);
  else
    take_good(pass);
}

// Reads the record at `at`. False: not in sight, or no memory.
static bool next_record(Pass *pass) {
  const SniffDialect *dialect = &pass->sniff->guesses.list[0].dialect;
  size_t left = pass->text.len - pass->at;
  if (left == 0)
    return false;
  if (sniff_record_read(dialect, pass->text.data + pass->at, left, pass->ended, &pass->record))
    return true;
  return !pass->record.failed && left > MAX_RECORD &&
         sniff_record_read(dialect, pass->text.data + pass->at, left, true, &pass->record);
}

// Keeps the skipped lines, to be shown.
static void keep_lines(Pass *pass, size_t at, size_t len, uint64_t line, SniffPassing what) {
  Sniff *sniff = pass->sniff;
  const SniffDialect *dialect = &sniff->guesses.list[0].dialect;
  for (const char *text = pass->text.data + at, *end = text + len; text < end; line++) {
    size_t size = sniff_skip_lines(dialect, text, (size_t)(end - text), 1), shown = size;
    while (shown > 0 && (text[shown - 1] == '\n' || text[shown - 1] == '\r'))
      shown--;
    sniff->passed_lines += shown > 0;
    if (shown > 0 && sniff->passed_count < SNIFF_PASSED) {
      SniffPassed *passed = &sniff->passed[sniff->passed_count++];
      bool cut = shown > SNIFF_PASSED_SIZE;
      *passed = (SniffPassed){line, what, cut, (uint8_t)(cut ? SNIFF_PASSED_SIZE : shown), {0}};
      memcpy(passed->text, text, passed->len);
    }
    text += size;
  }
}

// Counts a comment line and, within the table, whether it would fit as a record.
static bool take_comment(Pass *pass, bool inside) {
  const SniffGuess *guess = &pass->sniff->guesses.list[0];
  SniffDialect plain = guess->dialect;
  SniffRecord record = {0};
  size_t length = pass->record.length;
  keep_lines(pass, pass->at, length, pass->line, SNIFF_PASSED_COMMENT);
  plain.comment[0] = 0;
  if (inside && sniff_record_read(&plain, pass->text.data + pass->at, length, true, &record) &&
      record.count == guess->columns)
    note(&pass->sniff->fitting, pass);
  bool failed = record.failed;
  sniff_record_free(&record);
  return !failed || no_memory(pass->error);
}

static void step(Pass *pass) {
  pass->at += pass->record.length;
  pass->line += pass->record.lines;
}

// Where the first quote that matters comes after the sample and one where none may be: whether what
// follows is read better without quotes. Then all of it is; of files with tabs alone, since those
// often have none, and what has commas mostly does.
static bool judge_quotes(Pass *pass) {
  SniffGuess *best = &pass->sniff->guesses.list[0];
  size_t left = pass->text.len - pass->at;
  SniffSample sample = {pass->text.data + pass->at,
                        left < SNIFF_SAMPLE_BYTES ? left : SNIFF_SAMPLE_BYTES,
                        pass->ended && left <= SNIFF_SAMPLE_BYTES};
  bool first =
      pass->unquoted && pass->offset + pass->at > SNIFF_SAMPLE_BYTES && !pass->options->given.quote;
  pass->unquoted = false;
  if (!first || best->dialect.quote != '"' || strcmp(best->dialect.delimiter, "\t") != 0)
    return true;
  SniffGuess with = *best, without = *best;
  without.dialect.quote = 0;
  if (!sniff_score(&sample, 1, &with) || !sniff_score(&sample, 1, &without))
    return no_memory(pass->error);
  if (without.columns == best->columns && without.score > with.score) {
    best->dialect.quote = 0;
    return next_record(pass) || no_memory(pass->error);
  }
  return true;
}

// The records from `at` up to `stop`, an offset in the window.
static bool take_records(Pass *pass, size_t stop) {
  while (pass->at < stop && next_record(pass)) {
    if (pass->unquoted && pass->record.broken && !judge_quotes(pass))
      return false;
    pass->unquoted &= !pass->record.quoted && !pass->record.unterminated;
    pass->sniff->ends[pass->record.end]++;
    pass->restart.after_blank |= pass->record.blank && pass->sniff->records > 0;
    if (pass->record.blank)
      note(&pass->sniff->blank, pass);
    else if (!pass->record.comment)
      note_record(pass);
    else if (!take_comment(pass, true))
      return false;
    step(pass);
  }
  return !pass->record.failed || no_memory(pass->error);
}

// Header

static void keep_cells(Pass *pass, Buffer *out) {
  Sniff *sniff = pass->sniff;
  const SniffDialect *dialect = &sniff->guesses.list[0].dialect;
  for (size_t i = 0; i < pass->record.count; i++) {
    size_t len;
    const char *text = sniff_unescape(dialect, &pass->record.fields[i], &sniff->columns.text, &len);
    buffer_put_u32(out, (uint32_t)len);
    buffer_put(out, text, len);
  }
}

// Keeps the first record of the table, whether it is its header or not; skips nothing.
static bool keep_first(Pass *pass) {
  Sniff *sniff = pass->sniff;
  Pass look = *pass; // at and line move, the record is shared
  while (next_record(&look) && (look.record.blank || look.record.comment))
    step(&look);
  pass->record = look.record;
  if (look.at < look.text.len && !look.record.failed) {
    keep_cells(&look, &sniff->first);
    sniff->first_cells = look.record.count;
  }
  return (!look.record.failed && !sniff->first.failed) || no_memory(pass->error);
}

// Skips the preamble and the header.
static bool skip_to_data(Pass *pass) {
  Sniff *sniff = pass->sniff;
  const SniffGuess *guess = &sniff->guesses.list[0];
  pass->at =
      sniff_skip_lines(&guess->dialect, pass->text.data, pass->text.len, sniff->structure.preamble);
  keep_lines(pass, 0, pass->at, pass->line, SNIFF_PASSED_ABOVE);
  pass->line += sniff->structure.preamble;
  if (!keep_first(pass))
    return false;
  while (sniff->header_records < sniff->structure.header && next_record(pass)) {
    if (!pass->record.blank && !pass->record.comment) {
      if (pass->record.count != guess->columns) {
        sniff->structure.header = sniff->header_records;
        break;
      }
      keep_cells(pass, &sniff->header);
      sniff->header_records++;
    }
    if (pass->record.comment && !take_comment(pass, false))
      return false;
    sniff->ends[pass->record.end]++;
    step(pass);
  }
  return (!pass->record.failed && !sniff->header.failed) || no_memory(pass->error);
}

// Footer

// Bytes before the last lines, as many as are given as footer; blank lines count.
static size_t before_footer(const char *bytes, size_t len, const SniffGiven *given, bool ends_in_cr,
                            size_t *found) {
  const char *at = bytes + len;
  for (*found = 0; *found < given->footer && at > bytes; ++*found)
    for (at--; at > bytes && at[-1] != '\n' && !(ends_in_cr && at[-1] == '\r');)
      at--;
  return (size_t)(at - bytes);
}

static size_t find_given_footer(Pass *pass) {
  return pass->at +
         before_footer(pass->text.data + pass->at, pass->text.len - pass->at, &pass->options->given,
                       pass->sniff->guesses.list[0].dialect.carriage_return, &pass->sniff->footer);
}

// Where the footer starts in the last window: text about the table, or a sum, after all others.
static size_t find_footer(Pass *pass) {
  Pass look = *pass; // at and line move, the record and the window are shared
  Sniff *sniff = pass->sniff;
  const SniffGuess *guess = &sniff->guesses.list[0];
  size_t stop = pass->at;
  uint64_t line_after = pass->line;
  bool any = false;
  SniffBelow below = {0};
  while (next_record(&look)) {
    const char *line = look.text.data + look.at;
    if (!sniff_below(&look.record, line, &guess->dialect, guess->columns, &below)) {
      any = true;
      stop = look.at + look.record.length;
      line_after = look.line + look.record.lines;
    }
    step(&look);
  }
  pass->record = look.record;
  if (below.notes == 0 || below.notes > MAX_FOOTER_LINES || !(any || sniff->records > 0))
    return pass->text.len;
  sniff->footer = below.lines;
  sniff->footer_is_total = below.total;
  pass->footer_line = line_after;
  return stop;
}

// All

static bool take_all(Pass *pass) {
  if (!skip_to_data(pass))
    return false;
  while (!pass->ended) {
    size_t stop = pass->text.len > KEPT_BYTES ? pass->text.len - KEPT_BYTES : 0;
    if (!take_records(pass, stop) || !fill(pass))
      return false;
  }
  bool given = pass->options->given.has_footer;
  size_t stop = !pass->sniff->whole ? pass->text.len
                : given             ? find_given_footer(pass)
                                    : find_footer(pass);
  if (!take_records(pass, stop))
    return false;
  pass->footer_line = given ? pass->line : pass->footer_line;
  keep_lines(pass, stop, pass->text.len - stop, pass->footer_line, SNIFF_PASSED_BELOW);
  return true;
}

// Of a file of one column: a usual delimiter that parts no line of it; in quotes it may stand.
static char spare_delimiter(const SniffSample *sample, const SniffDialect *best) {
  static const char delimiters[] = ",;\t|\x1f";
  for (const char *at = delimiters; *at; at++) {
    SniffGuess guess = {.dialect = *best};
    guess.dialect.delimiter[0] = *at;
    guess.dialect.delimiter[1] = 0;
    guess.dialect.delimiter_len = 1;
    if (!memchr(sample->bytes, *at, sample->len) ||
        (best->quote && sniff_parts_nothing(sample, &guess.dialect)))
      return *at;
  }
  return '\x1f';
}

// Where the sample has no field in quotes, what follows may have some; only quotes that are data in
// the sample speak against the usual one.
static bool assume_quote(const SniffSample *sample, SniffGuess *best) {
  SniffGuess with = *best;
  if (best->dialect.quote)
    return true;
  with.dialect.quote = '"';
  if (!sniff_score(sample, best->prior, &with))
    return false;
  if (with.broken == 0 && with.columns == best->columns)
    best->dialect.quote = '"';
  return true;
}

// Whether each apostrophe of the sample is one of a pair around a field, and there are some.
static bool all_in_pairs(const SniffSample *sample, const SniffGuess *best) {
  size_t count = 0;
  for (size_t i = 0; i < sample->len; i++)
    count += sample->bytes[i] == '\'';
  return best->dialect.quote == '\'' && best->quoted > 2 && count == 2 * best->quoted;
}

// Whether its quotes stand around whole fields, and so often that the broken ones are faults.
static bool has_faulty_quotes(const SniffGuess *guess) {
  return guess->doubled > 0 && guess->wrapped >= FAULT_SHARE * guess->broken;
}

// Where the best reading has the usual quotes, or apostrophes that stand in pairs alone, and they
// are in order but for faults, the same without quotes is not weighed against it. But a backslash
// speaks of formats that have no quotes, unless a quote is doubled.
static void forget_unquoted(const SniffSample *sample, SniffGuesses *guesses) {
  const SniffGuess *best = &guesses->list[0];
  bool usual = best->dialect.quote == '"' || all_in_pairs(sample, best);
  bool sure = usual && (best->broken == 0 || has_faulty_quotes(best)) &&
              (best->quoted == 0 || best->doubled > 0 || !memchr(sample->bytes, '\\', sample->len));
  size_t kept = 1;
  for (size_t i = 1; i < guesses->count; i++) {
    const SniffDialect *other = &guesses->list[i].dialect;
    bool same = strcmp(other->delimiter, best->dialect.delimiter) == 0 && !other->quote &&
                other->escape == best->dialect.escape;
    if (!(sure && same))
      guesses->list[kept++] = guesses->list[i];
  }
  guesses->count = guesses->count ? kept : 0;
}

// Bytes of a first line "sep=;", by which spreadsheets are told the delimiter; 0 when there is
// none.
static size_t separator_line(const SniffSample *sample) {
  const char *end = memchr(sample->bytes, '\n', sample->len < 16 ? sample->len : 16);
  if (!end || sample->len < 6 || strncasecmp(sample->bytes, "sep=", 4) != 0 ||
      end - sample->bytes > 7)
    return 0;
  return (size_t)(end - sample->bytes) + 1;
}

// Reads until the window has `size` bytes, if the file has them.
static bool read_up_to(Pass *pass, size_t size) {
  while (!pass->ended && pass->text.len < size) {
    if (!read_more(pass))
      return false;
    decode_raw(pass);
  }
  return !pass->text.failed || no_memory(pass->error);
}

// The guesses on the first `size` bytes; `sample` is those below a line that names the delimiter.
static bool guess_on(Pass *pass, size_t size, SniffSample *sample) {
  if (!read_up_to(pass, size))
    return false;
  *sample = (SniffSample){pass->text.data, pass->text.len, pass->ended && pass->sniff->whole};
  if (sample->len > size) {
    sample->len = size;
    sample->whole = false;
  }
  const SniffGiven *given = &pass->options->given;
  SniffDialect lines = {.carriage_return = sniff_ends_in_cr(sample)};
  size_t above = given->skip > 0 ? sniff_skip_lines(&lines, sample->bytes, sample->len, given->skip)
                                 : separator_line(sample);
  sample->bytes += above;
  sample->len -= above;
  if (sample->whole && given->footer > 0)
    sample->len = before_footer(sample->bytes, sample->len, given, lines.carriage_return, &above);
  SniffGuesses *guesses = &pass->sniff->guesses;
  return (sniff_dialect(sample, given, guesses) && sniff_settle(sample, given, guesses)) ||
         no_memory(pass->error);
}

// Guesses on as much of the file as it takes: of records so long that few end in the sample, more.
static bool guess(Pass *pass, SniffSample *sample) {
  const SniffGuesses *guesses = &pass->sniff->guesses;
  for (size_t size = SNIFF_SAMPLE_BYTES;; size *= 4) {
    if (!guess_on(pass, size, sample))
      return false;
    bool enough = guesses->count > 0 && guesses->list[0].records >= FEW_RECORDS;
    if (enough || sample->whole || size >= MAX_SAMPLE)
      break;
  }
  if (guesses->count > 0)
    return true;
  return sample->whole
             ? error_set(pass->error, "empty", "holds no records")
             : error_set(pass->error, "too_long", "no record ends within the first 16 MiB");
}

static bool choose(Pass *pass) {
  Sniff *sniff = pass->sniff;
  SniffSample sample;
  if (!guess(pass, &sample))
    return false;
  SniffGuess *best = &sniff->guesses.list[0];
  bool fixed = pass->options->given.quote || pass->options->given.text_format;
  if (!fixed && !assume_quote(&sample, best))
    return no_memory(pass->error);
  forget_unquoted(&sample, &sniff->guesses);
  sniff->spare = spare_delimiter(&sample, &best->dialect);
  if (!sniff_structure(&sample, &pass->options->given, best, &sniff->structure) ||
      !sniff_columns_open(&sniff->columns, best->columns))
    return no_memory(pass->error);
  sniff->structure.preamble += pass->options->given.skip == 0 && sample.bytes > pass->text.data;
  return true;
}

// A file that is text has few zero bytes, if any.
static bool looks_binary(const Pass *pass) {
  size_t zeros = 0;
  for (size_t i = 0; i < pass->text.len; i++)
    zeros += pass->text.data[i] == 0;
  return zeros * 20 > pass->text.len;
}

static bool is_white(const Pass *pass) {
  for (size_t i = 0; i < pass->text.len; i++)
    if (!strchr(" \t\r\n\f\v", pass->text.data[i]) || !pass->text.data[i])
      return false;
  return true;
}

static bool find_encoding(Pass *pass) {
  Sniff *sniff = pass->sniff;
  while (!pass->ended && pass->raw.len < SAMPLE_ENCODING_BYTES)
    if (!read_more(pass))
      return false;
  const char *given = pass->options->encoding;
  sniff->encoding =
      given ? sample_encoding_given(given, pass->raw.data, pass->raw.len)
            : sample_encoding(pass->raw.data, pass->raw.len, pass->ended && sniff->whole);
  if (!sample_decoder_open(&pass->decoder, &sniff->encoding, pass->error))
    return false;
  decode_raw(pass);
  if (pass->text.len == 0)
    return error_set(pass->error, "empty", "is empty");
  if (pass->ended && sniff->whole && is_white(pass))
    return error_set(pass->error, "empty", "holds nothing but blanks and line ends");
  if (looks_binary(pass))
    return error_set(pass->error, "binary", "looks like a binary file");
  return true;
}

bool sniff_input(Input *input, const SniffOptions *options, Sniff *sniff, Error *error) {
  *sniff = (Sniff){0};
  Pass pass = {.input = input,
               .options = options,
               .sniff = sniff,
               .error = error,
               .line = 1,
               .unquoted = true};
  bool good = find_encoding(&pass) && choose(&pass);
  if (good) {
    check_bytes(&pass);
    good = take_all(&pass);
  }
  sniff->invalid += pass.decoder.invalid;
  sample_decoder_close(&pass.decoder);
  sniff_record_free(&pass.record);
  sniff_restart_free(&pass.restart);
  buffer_free(&pass.raw);
  buffer_free(&pass.text);
  input->close(input);
  return good;
}

void sniff_free(Sniff *sniff) {
  sniff_columns_close(&sniff->columns);
  buffer_free(&sniff->header);
  buffer_free(&sniff->first);
  *sniff = (Sniff){0};
}
