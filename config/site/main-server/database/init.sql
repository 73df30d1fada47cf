-- SPDX-License-Identifier: BSD-3-Clause
-- The image runs this once, as the superuser, in database "site", while its volume is empty. An example of what an app that
-- searches by meaning needs: replace it by yours. pgvector: github.com/pgvector/pgvector.
\set ON_ERROR_STOP on
\set app_password `cat /run/secrets/main-database`

begin;

create extension vector;

-- The app's own role: it owns its tables and can do nothing to the rest (a superuser could run programs).
create role app login password :'app_password';
create schema app authorization app;
alter role app set search_path = app, public;
set local role app;
set local search_path = app, public;

create table documents (
  id        bigint generated always as identity primary key,
  title     text not null,
  body      text not null,
  changed   timestamptz not null default now(),
  embedding vector(384) not null  -- as many numbers as your model gives; an index takes up to 2,000
);

-- HNSW: near neighbours without looking at every row. m and ef_construction are pgvector's own choice, written out:
-- more of either finds better and builds slower. Cosine, since most models are trained for it; a query must order by <=>.
create index documents_embedding on documents using hnsw (embedding vector_cosine_ops) with (m = 16, ef_construction = 64);

-- The search: the nearest documents and how near they are (1: the same direction).
--   select * from nearest_documents((select embedding from documents where id = 1), 5);
-- hnsw.ef_search bounds how many candidates are looked at, so also how many can be found: 100, more than pgvector's 40.
-- execute: planned with the numbers at hand. A plan for any number of rows would expect a tenth of the table, and sort it.
create function nearest_documents(question vector(384), most integer default 10)
returns table (id bigint, title text, nearness double precision)
language plpgsql stable set hnsw.ef_search = 100 as $$
begin
  return query execute
    'select d.id, d.title, 1 - (d.embedding <=> $1) from app.documents d order by d.embedding <=> $1 limit $2'
    using question, most;
end
$$;

commit;
