-- More than one set of vectors for a collection: each embedder spans a space of its own, and search is in one of
-- them. So an index by a tuned embedder is made beside the old one, taken into service by one update, and given up
-- again the same way.

-- An embedder's vectors of a collection. `weights` and `calibrated_on` are kept here while it is out of service.
-- `previous` was in service before it. The name of a tuned one begins with that of its folder, which is in the workspace's folder embedders.
create table space (
    id integer primary key generated always as identity,
    collection integer not null references collection,
    embedder text not null,
    dimensions integer not null,
    previous integer references space on delete set null,
    weights jsonb not null default '{}',
    calibrated_on integer not null default 0,
    made_at timestamptz not null default clock_timestamp(),
    unique (collection, embedder)
);

-- What is in service: `embedder`, `dimensions`, `weights` and `calibrated_on` of a collection are of this space.
alter table collection add column space integer references space;

-- The documents that a tuned embedder saw, by number, and whether one has since been erased.
create table space_source (
    space integer not null references space on delete cascade,
    collection integer not null,
    document bigint not null,
    revision integer not null,
    erased_at timestamptz,
    primary key (space, document)
);
create index space_source_document on space_source (collection, document);

create function note_erasure_in_spaces() returns trigger language plpgsql as $$
begin
    update space_source set erased_at = clock_timestamp()
        where (collection, document) = (old.collection, old.id) and erased_at is null;
    return old;
end $$;
create trigger document_forgotten_by_spaces before delete on document
    for each row execute function note_erasure_in_spaces();

-- Vectors of replaced and removed revisions, in every space that their passages were in.
create table archived_vector (
    space integer not null,
    collection integer not null,
    id bigint not null,
    document bigint not null,
    label integer not null,
    vector halfvec not null,
    primary key (space, collection, id)
);
create index archived_vector_document on archived_vector (collection, document);

-- chunk_vector is now divided by space; its partitions stay as they are, under the number of the collection,
-- which becomes the number of its first space.
insert into space (id, collection, embedder, dimensions, weights, calibrated_on) overriding system value
    select id, id, embedder, dimensions, weights, calibrated_on from collection;
select setval(pg_get_serial_sequence('space', 'id'), greatest(1, max(id)), max(id) is not null) from space;
update collection set space = id;
insert into archived_vector select collection, collection, id, document, label, vector from archived_chunk;
alter table archived_chunk drop column vector;

do $$
declare
    one integer;
begin
    for one in select id from collection loop
        execute format('alter table chunk_vector detach partition chunk_vector_%s', one);
        execute format('alter table chunk_vector_%1$s add column space integer not null default %1$s', one);
        execute format('alter table chunk_vector_%s alter column space drop default', one);
    end loop;
end $$;
drop table chunk_vector;
create table chunk_vector (
    collection integer not null,
    id bigint not null,
    document bigint not null,
    label integer not null,
    language text not null,
    vector halfvec not null,
    space integer not null
) partition by list (space);
create index chunk_vector_document on chunk_vector (collection, document);
create index chunk_vector_label on chunk_vector (collection, label);
alter table chunk_vector alter column vector set storage main, alter column vector set statistics 0;
do $$
declare
    one integer;
begin
    for one in select id from collection loop
        execute format('alter table chunk_vector attach partition chunk_vector_%1$s for values in (%1$s)', one);
    end loop;
end $$;

-- As in the library: no vector in pg_statistic, and inline.
alter table archived_vector alter column vector set statistics 0, alter column vector set storage main;
alter table space alter column weights set statistics 0;

do $$
declare
    name text;
begin
    foreach name in array array['space', 'space_source', 'archived_vector', 'chunk_vector'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy owner_inserts on %I for insert with check ((select is_owner()))', name);
        execute format('create policy owner_updates on %I for update using ((select is_owner())) with check ((select is_owner()))', name);
        execute format('create policy owner_deletes on %I for delete using ((select is_owner()))', name);
    end loop;
    foreach name in array array['archived_vector', 'chunk_vector'] loop
        execute format('create policy readers on %I for select using (label = any ((select visible_labels())::integer[]))', name);
    end loop;
    foreach name in array array['space', 'space_source'] loop
        execute format('create policy readers on %I for select using ((select is_owner()))', name);
    end loop;
end $$;

-- Makes a space with its partition and its index, out of service; returns its id.
create function add_space(of_collection integer, its_embedder text, its_dimensions integer) returns integer
language plpgsql as $$
declare
    new_id integer;
begin
    insert into space (collection, embedder, dimensions) values (of_collection, its_embedder, its_dimensions)
        returning id into new_id;
    execute format('create table chunk_vector_%1$s partition of chunk_vector for values in (%1$s)', new_id);
    execute format('alter table chunk_vector_%s alter column vector set statistics 0', new_id);
    -- Inner product, because vectors have length 1.
    execute format('create index chunk_vector_%1$s_nearest on chunk_vector_%1$s using hnsw ((vector::halfvec(%2$s)) halfvec_ip_ops) with (ef_construction = 128)',
                   new_id, its_dimensions);
    -- An index on an expression has samples of its own.
    execute format('alter index chunk_vector_%s_nearest alter column 1 set statistics 0', new_id);
    return new_id;
end $$;

-- Deletes a space that is out of service, with its vectors.
create function drop_space(old_id integer) returns void language plpgsql as $$
begin
    if exists (select from collection where space = old_id) then
        raise exception 'space % is in service', old_id;
    end if;
    execute format('drop table chunk_vector_%s', old_id);
    delete from archived_vector where space = old_id;
    delete from space where id = old_id;
end $$;

-- As before, but that the vectors are in a space.
create or replace function add_collection(new_name text, new_embedder text, new_dimensions integer) returns integer
language plpgsql as $$
declare
    new_id integer;
    terms_class text := case when exists (select from pg_opclass where opcname = 'terms_ops' and pg_opclass_is_visible(oid))
        then 'terms_ops' else 'array_ops' end;
begin
    insert into collection (name, embedder, dimensions) values (new_name, new_embedder, new_dimensions)
        returning id into new_id;
    execute format('create table chunk_%s partition of chunk for values in (%s)', new_id, new_id);
    execute format('alter table chunk_%s alter column text set statistics 0, alter column context set statistics 0', new_id);
    execute format('create table chunk_terms_%s partition of chunk_terms for values in (%s)', new_id, new_id);
    execute format('alter table chunk_terms_%s alter column weights set statistics 0', new_id);
    execute format('create index chunk_terms_%s_words on chunk_terms_%s using gin (term_ids %s) with (fastupdate = off)',
                   new_id, new_id, terms_class);
    update collection set space = add_space(new_id, new_embedder, new_dimensions) where id = new_id;
    return new_id;
end $$;
