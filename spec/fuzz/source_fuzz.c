// Source: header, byte order mark, line ends and chunks. However small the chunks and the blocks
// that the input gives, the records are those of one reading, and no byte is swallowed.
//
// Eight bytes choose the dialect, the chunk's target, the block's size and a cut; the rest is the
// file.
#define _GNU_SOURCE // memmem
#include "csv/source_internal.h"
#include "csv_check.h"
#include "fuzz.h"

typedef struct Case {
  Dialect dialect;
  Text text;
  size_t target;
  size_t step;
  size_t cut; // where the text behind the header is cut in two
  bool plain; // no more options than libcsv has
} Case;

static Buffer expected, got;

// What libcsv cannot read, and policies.
static void choose_more(Dialect *dialect, uint8_t syntax, uint8_t policies) {
  if (syntax & 1) {
    memcpy(dialect->longer_delimiter, "::", 2);
    dialect->delimiter = ':';
    dialect->delimiter_length = 2;
  }
  dialect->escape = syntax & 2 ? '\\' : 0;
  dialect->unquoted = syntax & 4;
  if (syntax & 8) {
    dialect->comment[0] = '#';
    dialect->comment_length = 1;
  }
  dialect->skip_blanks = syntax & 16;
  dialect->footer = syntax >> 5 & 1;
  dialect->skip = syntax >> 6 & 1;
  dialect->header_lines = syntax & 128 ? 2 : 1;
  dialect->too_few = (FewPolicy)((policies & 3) % 3);
  dialect->too_many = (ManyPolicy)(policies >> 2 & 3);
  dialect->repair_quotes = policies & 16;
  dialect->end_at_second_table = policies & 32;
  dialect->keep_blank_lines = !dialect->end_at_second_table && policies & 64;
  dialect->repeated_header = policies & 128 ? HEADER_SKIP : HEADER_REJECT;
  dialect->repair_names = policies & 64;
  dialect->max_field = policies & 64 ? 5 : 0;
  dialect->max_record_lines = policies & 32 ? 2 : 0;
}

static void choose_formats(Dialect *dialect, uint8_t kinds) {
  dialect->blanks_after_quote = kinds & 2;
  dialect->trailing_delimiter = kinds & 4;
  if (kinds & 8) {
    dialect->text_format = dialect->unquoted = true;
    dialect->delimiter = '\t';
    dialect->delimiter_length = 1;
    dialect->escape = '\\';
  }
}

static Case make_case(FuzzInput *input) {
  static const char delimiters[] = ",;\ta", quotes[] = "\"'";
  uint8_t choice = fuzz_byte(input), max_record = fuzz_byte(input), target = fuzz_byte(input);
  uint8_t step = fuzz_byte(input), cut = fuzz_byte(input);
  Case made = {.dialect = dialect_default()};
  made.dialect.delimiter = delimiters[choice & 3];
  made.dialect.quote = quotes[choice >> 2 & 1];
  made.dialect.headerless = choice & 8;
  made.dialect.line_end = choice & 16 ? LINE_CR : LINE_LF;
  made.dialect.columns = choice >> 5;
  if (max_record)
    made.dialect.max_record = max_record;
  uint8_t syntax = fuzz_byte(input), policies = fuzz_byte(input);
  uint8_t kinds = fuzz_byte(input);
  made.plain = !(kinds & 1);
  if (!made.plain)
    choose_more(&made.dialect, syntax, policies);
  if (!made.plain)
    choose_formats(&made.dialect, kinds);
  made.target = (size_t)target + 1;
  made.step = (size_t)step + 1;
  made.text = (Text){fuzz_copy(input->at, input->left), input->left};
  made.cut = input->left * cut / UINT8_MAX;
  return made;
}

static void check_line_end(const Case *the, LineEnd found) {
  const char *bytes = the->text.bytes;
  size_t len = the->text.len;
  if (the->dialect.line_end == LINE_CR)
    fuzz_check(found == LINE_CR, "the line end that was given is not kept");
  else if (!memchr(bytes, '\r', len))
    fuzz_check(found == LINE_LF, "CR line ends without a CR");
  else if (!the->dialect.headerless && !memchr(bytes, '\n', len) &&
           !memchr(bytes, the->dialect.quote, len))
    fuzz_check(found == LINE_CR, "LF line ends without a LF");
}

static size_t mark_length(const Text *text) {
  return text->len >= 3 && memcmp(text->bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

// The names are the first record's fields, and what follows is behind it.
static void check_names(const Source *source, const Batch *batch) {
  size_t count = source_column_count(source);
  fuzz_check(batch->record_count == 1, "a header that is no record");
  fuzz_check(count == batch->records[0].field_count, "a column too many or too few");
  for (size_t i = 0; i < count && !source_dialect(source)->headerless; i++) {
    const Field *name = &source_columns(source)[i];
    const Field *field = &batch->fields[batch->records[0].field_start + i];
    fuzz_check(name->len > 0 && name->len <= field->len, "a name that is empty or too long");
    fuzz_check(memmem(field->data, field->len, name->data, name->len) != NULL,
               "a name that is not in the header");
  }
}

static void check_header(const Case *the, const Source *source) {
  if (the->dialect.headerless && the->dialect.columns > 0)
    return; // nothing was read
  size_t mark = mark_length(&the->text);
  Dialect dialect = *source_dialect(source);
  dialect.columns = 0;
  dialect.libcsv_only = true;
  Reader *reader = reader_new(&dialect);
  Batch batch = {0};
  Position position = {mark, 1};
  size_t used =
      reader_read(reader, the->text.bytes + mark, the->text.len - mark, true, 1, &position, &batch);
  Position start = source->position;
  if (dialect.headerless)
    fuzz_check(start.offset == mark || memchr("\r\n", the->text.bytes[start.offset - 1], 2) != NULL,
               "a headerless file does not start at a line");
  else
    fuzz_check(start.offset == mark + used && start.line == position.line,
               "the header ends elsewhere");
  // Without a header the first record that is not damaged says how many columns there are.
  if (!dialect.headerless || batch.records[0].error == RECORD_OK)
    check_names(source, &batch);
  batch_free(&batch);
  reader_free(reader);
}

static void check_open(const Case *the) {
  Error error;
  Source *source =
      source_open(input_open_bytes(the->text.bytes, the->text.len), "file", &the->dialect, &error);
  if (source && the->plain) {
    check_line_end(the, source_dialect(source)->line_end);
    check_header(the, source);
  } else if (!source) {
    fuzz_check(memchr(error.code, 0, sizeof error.code) && error.code[0], "no code");
    fuzz_check(memchr(error.message, 0, sizeof error.message) && error.message[0], "no message");
  }
  source_close(source);
}

// The last record comes with the final call, as reader_read asks: a cut after it moves into it.
static size_t cut_before_end(const Text *text, size_t cut, size_t start) {
  size_t end = text->len;
  while (end > start && memchr("\r\n", text->bytes[end - 1], 2))
    end--;
  size_t last = end > start ? end - 1 : start;
  return cut < start ? start : cut > last ? last : cut;
}

static void check_cut(const Case *the, const Dialect *found, size_t start) {
  Position position = {start, line_at(&the->text, start, found->line_end)};
  Reader *reader = reader_new(found);
  Batch batch = {0};
  size_t cut = cut_before_end(&the->text, the->cut, start);
  read_in_two(the->text, reader, &batch, position, cut, &got);
  expect_equal(&expected, &got, "reading in two calls gives other records");
  batch_free(&batch);
  reader_free(reader);
}

// Skipped lines, footers and what comes after a stop are the business of the source.
static bool all_by_reader(const Dialect *dialect) {
  return dialect->skip == 0 && dialect->footer == 0 && !dialect->end_at_second_table &&
         dialect->too_few != FEW_STOP && dialect->too_many != MANY_STOP;
}

// Text of an encoding whose bytes are no characters is for decoder_fuzz.c.
static bool is_transcoded(const Text *text) {
  const char *encoding = "utf-8";
  encoding_of_mark(text->bytes, text->len, &encoding);
  return strcmp(encoding, "utf-8") != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FuzzInput input = {data, size};
  Case the = make_case(&input);
  if (is_transcoded(&the.text)) {
    free((char *)the.text.bytes);
    return 0;
  }
  Dialect found, small_found;
  snprintf(check_what, sizeof check_what, "file");
  check_open(&the);
  size_t start = read_through_source(the.text, &the.dialect, 4096, 4096, &expected, &found);
  size_t small_start =
      read_through_source(the.text, &the.dialect, the.target, the.step, &got, &small_found);
  fuzz_check(start == small_start, "small chunks start elsewhere");
  fuzz_check(found.line_end == small_found.line_end && found.columns == small_found.columns,
             "small chunks have another dialect");
  expect_equal(&expected, &got, "another chunk size gives other records");
  if (start != SIZE_MAX && all_by_reader(&found)) {
    read_at_once(the.text, &found, start, &got);
    expect_equal(&expected, &got, "one call of the reader gives other records");
    check_cut(&the, &found, start);
  }
  free((char *)the.text.bytes);
  return 0;
}
