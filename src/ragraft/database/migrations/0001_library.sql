-- The library: documents, revisions, passages in three narrow tables, labels, statistics, audit.
-- Runs in one transaction under the login role with search_path = the library's schema, public.
-- Keys begin with the collection: tables partition by it, and a sharded PostgreSQL distributes by it.

create table collection (
    id integer primary key generated always as identity,
    name text not null unique,
    embedder text not null,
    dimensions integer not null,
    -- {language: {leg: weight}}, as calibrated, and the number of passages it was calibrated on
    weights jsonb not null default '{}',
    calibrated_on integer not null default 0,
    created_at timestamptz not null default clock_timestamp()
);

-- A set of groups. Few rows: documents with the same rights share one.
create table label (
    id integer primary key generated always as identity,
    collection integer not null references collection,
    groups text[] not null,
    unique (collection, groups)
);

-- A folder, file or address that was added; a sync compares what is there now with its documents.
create table source (
    id integer primary key generated always as identity,
    collection integer not null references collection,
    kind text not null check (kind in ('folder', 'url')),
    location text not null,
    unique (collection, location)
);

create table document (
    collection integer not null references collection,
    id bigint generated always as identity,
    uri text not null,
    source integer not null references source,
    path text not null,
    label integer not null references label,
    title text not null,
    revision integer not null,
    content_hash bytea not null,
    chunks integer not null,
    tokens integer not null,
    added_at timestamptz not null,
    removed_at timestamptz,
    primary key (collection, id),
    unique (collection, uri),
    unique (collection, source, path)
);
-- Listing reads the rows of the caller's labels and no others, so that its time tells nothing of the rest.
create index document_label on document (collection, label, uri) where removed_at is null;

create table revision (
    collection integer not null,
    document bigint not null,
    number integer not null,
    label integer not null,
    title text not null,
    text text not null,
    language text not null,
    media_type text not null,
    pages integer[] not null,
    metadata jsonb not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    primary key (collection, document, number)
);

-- Live passages, one row each in three tables, because each is read in a different way: chunk_vector by
-- nearness, chunk_terms by words, chunk (the text) only for the few that are shown.
create table chunk (
    collection integer not null,
    id bigint not null,
    document bigint not null,
    revision integer not null,
    label integer not null,
    span_start integer not null,
    span_end integer not null,
    page integer,
    tokens integer not null,
    context text not null,
    text text not null,
    primary key (collection, id)
) partition by list (collection);
create index chunk_document on chunk (collection, document);
create sequence chunk_id as bigint;

create table chunk_vector (
    collection integer not null,
    id bigint not null,
    document bigint not null,
    label integer not null,
    language text not null,
    vector halfvec not null
) partition by list (collection);
create index chunk_vector_document on chunk_vector (collection, document);
create index chunk_vector_label on chunk_vector (collection, label);

create table chunk_terms (
    collection integer not null,
    id bigint not null,
    document bigint not null,
    label integer not null,
    language text not null,
    term_ids integer[] not null,
    weights sparsevec not null
) partition by list (collection);
create index chunk_terms_document on chunk_terms (collection, document);
create index chunk_terms_label on chunk_terms (collection, label);

-- Passages of replaced and removed revisions: out of every search but "as of" ones.
create table archived_chunk (
    collection integer not null,
    id bigint not null,
    document bigint not null,
    revision integer not null,
    label integer not null,
    span_start integer not null,
    span_end integer not null,
    page integer,
    tokens integer not null,
    context text not null,
    text text not null,
    language text not null,
    vector halfvec not null,
    term_ids integer[] not null,
    weights sparsevec not null,
    primary key (collection, id)
);
create index archived_chunk_document on archived_chunk (collection, document);

-- Counts for BM25 by label, so that a caller's idf is made of what that caller may see and of nothing else.
create table language_count (
    collection integer not null,
    label integer not null,
    language text not null,
    chunks integer not null,
    primary key (collection, label, language)
);
create table term_count (
    collection integer not null,
    term integer not null,
    label integer not null,
    chunks integer not null,
    primary key (collection, term, label)
);

-- Erasures asked for and not yet finished: rows are gone, bytes may not be.
create table erasure (
    id integer primary key generated always as identity,
    collection integer not null,
    document bigint not null,
    asked_at timestamptz not null default clock_timestamp()
);

-- Append-only. `detail` is canonical JSON kept as text, because the digest covers its exact bytes.
-- It names documents by number, never by uri: what is erased must not live on here.
create table audit (
    number bigint primary key,
    at timestamptz not null,
    caller text not null,
    action text not null,
    detail text not null,
    previous bytea not null,
    digest bytea not null
);
-- Which key the chain is made with; the key itself is in the workspace.
create table audit_key (fingerprint bytea not null);
create unique index audit_key_is_one on audit_key ((true));
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit is append-only';
end $$;
create trigger audit_keep before update or delete on audit
    for each row execute function audit_is_append_only();
create trigger audit_keep_all before truncate on audit
    for each statement execute function audit_is_append_only();

-- Text must never reach pg_statistic (samples of it would survive an erasure), and stays uncompressed so
-- that a slice is read without reading all of it and an erasure can be checked by looking at the files.
alter table document alter column uri set statistics 0, alter column title set statistics 0,
    alter column path set statistics 0, alter column content_hash set statistics 0;
alter table source alter column location set statistics 0;
alter table revision alter column text set statistics 0, alter column title set statistics 0,
    alter column metadata set statistics 0;
alter table revision alter column text set storage external, alter column metadata set storage external;
alter table chunk alter column text set storage external, alter column context set storage external;
alter table archived_chunk alter column text set statistics 0, alter column context set statistics 0,
    alter column term_ids set statistics 0, alter column vector set statistics 0, alter column weights set statistics 0;
-- ANALYZE by hand samples a partitioned table too, beside its partitions.
alter table chunk alter column text set statistics 0, alter column context set statistics 0;
alter table chunk_vector alter column vector set statistics 0;
alter table chunk_terms alter column weights set statistics 0;
alter table archived_chunk alter column text set storage external, alter column context set storage external;
-- Vectors and weights do not compress; inline they are scored without a second read.
alter table chunk_vector alter column vector set storage main;
alter table chunk_terms alter column weights set storage main, alter column term_ids set storage main;

-- Rights. A transaction states its caller in two settings; without them it sees nothing.
create function is_owner() returns boolean language sql stable parallel safe as $$
    select coalesce(current_setting('ragraft.owner', true) = 'on', false)
$$;
create function caller_groups() returns text[] language sql stable parallel safe as $$
    select coalesce(nullif(current_setting('ragraft.groups', true), ''), '{}')::text[]
$$;
create function visible_labels() returns integer[] language sql stable parallel safe as $$
    select coalesce(array_agg(id), '{}') from label where is_owner() or groups && caller_groups()
$$;

do $$
declare
    name text;
begin
    foreach name in array array['document', 'revision', 'chunk', 'chunk_vector', 'chunk_terms',
                                'archived_chunk', 'language_count', 'term_count'] loop
        -- The subselects make the functions run once a query, not once a row.
        execute format('create policy readers on %I for select using (label = any ((select visible_labels())::integer[]))', name);
    end loop;
    -- Group names and folder names tell something too.
    create policy readers on label for select using ((select is_owner()) or groups && (select caller_groups()));
    create policy readers on source for select using ((select is_owner()));
    foreach name in array array['collection', 'label', 'source', 'document', 'revision', 'chunk', 'chunk_vector', 'chunk_terms',
                                'archived_chunk', 'language_count', 'term_count', 'erasure'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy owner_inserts on %I for insert with check ((select is_owner()))', name);
        execute format('create policy owner_updates on %I for update using ((select is_owner())) with check ((select is_owner()))', name);
        execute format('create policy owner_deletes on %I for delete using ((select is_owner()))', name);
    end loop;
    create policy readers on erasure for select using ((select is_owner()));
    create policy readers on collection for select using (true);
end $$;

-- Under row-level security an index serves a condition only if its operator is leakproof, and && on arrays is
-- not marked so (its comparison could raise for exotic element types). For integers it cannot; where we may
-- (superuser), make such an operator and index class. Elsewhere && is PostgreSQL's own: right, but slower.
do $$
begin
    if (select rolsuper from pg_roles where rolname = current_user) then
        create function terms_overlap(integer[], integer[]) returns boolean
            language internal immutable strict parallel safe leakproof as 'arrayoverlap';
        create operator && (leftarg = integer[], rightarg = integer[], function = terms_overlap, commutator = &&,
                            restrict = contsel, join = contjoinsel);
        create operator class terms_ops for type integer[] using gin as
            operator 1 && (integer[], integer[]),
            function 1 btint4cmp(integer, integer),
            function 2 ginarrayextract(anyarray, internal, internal),
            function 3 ginqueryarrayextract(anyarray, internal, smallint, internal, internal, internal, internal),
            function 4 ginarrayconsistent(internal, smallint, anyarray, integer, internal, internal, internal, internal),
            function 6 ginarraytriconsistent(internal, smallint, anyarray, integer, internal, internal, internal),
            storage integer;
    end if;
end $$;

-- Makes a collection's partitions and its two search indexes; returns its id.
create function add_collection(new_name text, new_embedder text, new_dimensions integer) returns integer
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
    execute format('create table chunk_vector_%s partition of chunk_vector for values in (%s)', new_id, new_id);
    execute format('alter table chunk_vector_%s alter column vector set statistics 0', new_id);
    execute format('create table chunk_terms_%s partition of chunk_terms for values in (%s)', new_id, new_id);
    execute format('alter table chunk_terms_%s alter column weights set statistics 0', new_id);
    -- Inner product, because vectors have length 1.
    execute format('create index chunk_vector_%s_nearest on chunk_vector_%s using hnsw ((vector::halfvec(%s)) halfvec_ip_ops) with (ef_construction = 128)',
                   new_id, new_id, new_dimensions);
    -- An index on an expression has samples of its own.
    execute format('alter index chunk_vector_%s_nearest alter column 1 set statistics 0', new_id);
    execute format('create index chunk_terms_%s_words on chunk_terms_%s using gin (term_ids %s) with (fastupdate = off)',
                   new_id, new_id, terms_class);
    return new_id;
end $$;
