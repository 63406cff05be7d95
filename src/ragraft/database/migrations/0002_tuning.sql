-- What models are taught: examples, the adapters trained on them, and the documents that both were made from.
-- Rights are kept as groups, not as a label of a collection: examples may be there before any document is.

-- `messages` is [{"role", "content"}], redacted. `split_by` is the document, or else the row, by which examples
-- are kept on one side of a split. `file` and `line` say where the row came from, for the owner.
create table example (
    id text primary key,
    kind text not null check (kind in ('question', 'chat', 'term', 'product', 'edit', 'document', 'raft', 'replay')),
    messages jsonb not null,
    split_by text not null,
    groups text[] not null,
    file text not null,
    line integer not null,
    added_at timestamptz not null default clock_timestamp()
);
create index example_file on example (file);

-- The documents that an example was made from. They stand by number, so that an erased name does not live on.
create table example_source (
    example text not null references example on delete cascade,
    collection integer not null,
    document bigint not null,
    revision integer not null,
    primary key (example, collection, document)
);
create index example_source_document on example_source (collection, document);

-- A tuned model; its files are in the workspace's folder adapters/NAME. `card` names no document: those are in
-- adapter_source.
create table adapter (
    name text primary key,
    base_model text not null,
    method text not null check (method in ('lora', 'qlora', 'full')),
    dataset_fingerprint text not null,
    groups text[] not null,
    gates jsonb not null default '{}',
    forced boolean not null default false,
    card jsonb not null default '{}',
    made_at timestamptz not null default clock_timestamp()
);

-- The documents that an adapter saw, and why one of them forbids its use: it was erased, removed, or closed to
-- some who may use the adapter. An adapter with any such row is out of service.
create table adapter_source (
    adapter text not null references adapter on delete cascade,
    collection integer not null,
    document bigint not null,
    revision integer not null,
    taint text check (taint in ('erased', 'removed', 'narrowed')),
    tainted_at timestamptz,
    primary key (adapter, collection, document, revision)
);
create index adapter_source_document on adapter_source (collection, document);

-- The groups that may read both of two things; `everyone` does not narrow, and none in common is the owner alone.
create function narrowed(one text[], other text[]) returns text[] language sql immutable parallel safe as $$
    select case when 'everyone' = any (one) then other
                when 'everyone' = any (other) then one
                else array(select unnest(one) intersect select unnest(other) order by 1) end
$$;

-- In the transaction that erases a document: what was made of it goes, and what was trained on it is withdrawn.
create function forget_document() returns trigger language plpgsql as $$
begin
    delete from example where id in
        (select example from example_source where (collection, document) = (old.collection, old.id));
    update adapter_source set taint = 'erased', tainted_at = clock_timestamp()
        where (collection, document) = (old.collection, old.id);
    return old;
end $$;
create trigger document_forgotten before delete on document
    for each row execute function forget_document();

-- In the transaction that removes, brings back or relabels a document: examples follow its label where that is
-- narrower, and never become wider; an adapter is withdrawn if some who may use it may not read the document.
create function follow_document() returns trigger language plpgsql as $$
declare
    readers text[] := (select groups from label where id = new.label);
begin
    update example set groups = narrowed(groups, readers)
        where groups <> narrowed(groups, readers) and id in
            (select example from example_source where (collection, document) = (new.collection, new.id));
    update adapter_source s set taint = 'narrowed', tainted_at = clock_timestamp()
        from adapter a where a.name = s.adapter and (s.collection, s.document) = (new.collection, new.id)
            and s.taint is distinct from 'narrowed'
            and not ('everyone' = any (readers) or a.groups <@ readers);
    -- A file that is back was never erased.
    update adapter_source set taint = case when new.removed_at is not null then 'removed' end,
            tainted_at = case when new.removed_at is not null then clock_timestamp() end
        where (collection, document) = (new.collection, new.id)
            and (taint is null and new.removed_at is not null or taint = 'removed' and new.removed_at is null);
    return null;
end $$;
create trigger document_followed after update of label, removed_at on document
    for each row when (old.label is distinct from new.label or old.removed_at is distinct from new.removed_at)
    execute function follow_document();

-- As in the library: no text in pg_statistic, none compressed (an erasure is checked by looking at the files).
alter table example alter column messages set statistics 0, alter column split_by set statistics 0,
    alter column file set statistics 0;
alter table adapter alter column card set statistics 0, alter column gates set statistics 0;
alter table example alter column messages set storage external;
alter table adapter alter column card set storage external, alter column gates set storage external;

do $$
declare
    name text;
begin
    foreach name in array array['example', 'example_source', 'adapter', 'adapter_source'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy owner_inserts on %I for insert with check ((select is_owner()))', name);
        execute format('create policy owner_updates on %I for update using ((select is_owner())) with check ((select is_owner()))', name);
        execute format('create policy owner_deletes on %I for delete using ((select is_owner()))', name);
    end loop;
    foreach name in array array['example', 'adapter'] loop
        execute format('create policy readers on %I for select using ((select is_owner()) or groups && (select caller_groups()))', name);
    end loop;
    -- Whoever may read an example may read all that it was made from.
    create policy readers on example_source for select using (exists (select from example where id = example_source.example));
    create policy readers on adapter_source for select using (exists (select from adapter where adapter.name = adapter_source.adapter));
end $$;
