-- SPDX-License-Identifier: BSD-3-Clause
-- For Traffic Dam's look-alikes (`lookalikes` in dam.yaml), once, as the superuser, in the database that is to hold them:
--   docker compose exec -T -e DAM_PASSWORD="$(cat secrets/main-database-dam)" main-database psql -U postgres -d site \
--     < database/lookalikes.sql
-- The dam makes its two tables by itself, in a schema of its own, and makes them anew when a release keeps them in another form.
-- A second time this changes the password, and nothing else.
\set ON_ERROR_STOP on
\getenv dam_password DAM_PASSWORD

begin;

set client_min_messages = warning;
create extension if not exists vector;  -- 0.8 or later

-- It owns its schema and can do nothing to the rest: no superuser, no other tables, few connections.
select 'create role dam' where not exists (select from pg_roles where rolname = 'dam') \gexec
alter role dam login nosuperuser nocreatedb nocreaterole noinherit connection limit 16 password :'dam_password';
create schema if not exists dam authorization dam;
revoke all on schema dam from public;
alter role dam set search_path = dam, public;

commit;
