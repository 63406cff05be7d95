-- Adapters that are trained again: what each has learned, and where its successor's files are.

-- `folder` is in the workspace's folder adapters. One that replaces another has a folder of its own from before this
-- row names it, so that weights, label and gates change at once, whoever is killed meanwhile. `read_at` is when its
-- examples were read: what came later it has not seen.
alter table adapter add column folder text, add column read_at timestamptz;
update adapter set folder = name, read_at = made_at;
alter table adapter alter column folder set not null, alter column read_at set not null;

-- The examples that an adapter learned from and that were held out from it. They are digests of texts, so they go with
-- their example, and that with its document.
create table adapter_example (
    adapter text not null references adapter on delete cascade,
    example text not null references example on delete cascade,
    held_out boolean not null,
    primary key (adapter, example)
);
create index adapter_example_example on adapter_example (example);
alter table adapter_example alter column example set statistics 0;

alter table adapter_example enable row level security;
alter table adapter_example force row level security;
create policy owner_does on adapter_example using ((select is_owner())) with check ((select is_owner()));
