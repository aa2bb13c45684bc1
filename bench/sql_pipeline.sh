#!/bin/sh
# The example pipeline as it is usually written: CSV COPY into text tables, CREATE TABLE AS with trims
# and casts, the checks and the analytics in SQL, all by one psql. For the ratio of the whole pipeline.
#
#   bench/sql_pipeline.sh DSN DATA AS_OF
#
# DATA holds users.csv, company.csv and booking.csv without dirt: this way has no answer to dirt but to
# stop. Tables land in schema `plain`.
set -eu
dsn=$1 data=$2 as_of=$3

# The cleaning of one column in SQL: trim, strip quotes, trim, null.
clean() { printf "nullif(nullif(btrim(btrim(btrim(%s), '\"')), ''), 'NULL')" "$1"; }
text() { printf '%s as %s' "$(clean "$1")" "$1"; }
cast() { printf '(%s)::%s as %s' "$(clean "$1")" "$2" "$1"; }

psql -X -q -v ON_ERROR_STOP=1 -d "$dsn" -v as_of="$as_of" <<SQL
drop schema if exists plain cascade;
create schema plain;
set search_path = plain;
begin;
create table company_raw (company_id text, company_name text);
create table users_raw (rn text, created_at text, company_id text, status text, demo_user text);
create table booking_raw (user_id text, booking_id text, created_at text, status text, checkin_status text,
  booking_start_time text, booking_end_time text, is_demo text);
\\copy company_raw from '$data/company.csv' csv header
\\copy users_raw from '$data/users.csv' csv header
\\copy booking_raw from '$data/booking.csv' csv header

create table company as select distinct on (company_id) * from (
  select $(cast company_id bigint), $(text company_name) from company_raw) c order by company_id;
create table users as select distinct on (rn) * from (
  select $(cast rn bigint), $(cast created_at timestamp), $(cast company_id bigint), $(text status),
    $(cast demo_user boolean) from users_raw) u order by rn;
create table booking as select distinct on (booking_id) * from (
  select $(cast user_id bigint), $(cast booking_id bigint), $(cast created_at timestamp), $(text status),
    $(text checkin_status), $(cast booking_start_time timestamp), $(cast booking_end_time timestamp),
    $(cast is_demo boolean) from booking_raw) b
  where booking_end_time is null or booking_start_time <= booking_end_time order by booking_id;
alter table company add primary key (company_id);
alter table users add primary key (rn);
alter table booking add primary key (booking_id);
analyze company, users, booking;

select count(*) as bookings_of_unknown_users from booking b where not exists (select from users u where u.rn = b.user_id);

create table monthly_headcount as
  select date_trunc('month', b.created_at)::date as month, count(distinct b.user_id) as unique_users
  from booking b join users u on u.rn = b.user_id
  where not u.demo_user and not b.is_demo and b.created_at is not null
    and b.booking_start_time > :'as_of'::timestamp - interval '6 months' and b.booking_start_time <= :'as_of'::timestamp
  group by 1;
create table slow_first_booking as
  select c.company_name, count(*) as num_users
  from users u
  join (select user_id, min(booking_start_time) as first_start from booking
        where not is_demo and created_at is not null group by user_id) f on f.user_id = u.rn
  join company c on c.company_id = u.company_id
  where not u.demo_user and f.first_start > u.created_at + interval '30 days'
  group by 1;
commit;
SQL
