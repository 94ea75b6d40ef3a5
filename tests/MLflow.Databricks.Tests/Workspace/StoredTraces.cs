using System.Collections.Concurrent;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Traces of experiments.</summary>
internal sealed class StoredTraces
{
    private readonly ConcurrentDictionary<string, StoredTrace> _byId = new();

    public ICollection<StoredTrace> All => _byId.Values;

    public StoredTrace? Find(string id) => _byId.GetValueOrDefault(id);

    public StoredTrace Put(StoredTrace trace) => _byId.AddOrUpdate(trace.Id, trace, (_, old) =>
    {
        // Protocol sheet §1.10, rule 4: the new facts replace the old ones.
        old.Info = trace.Info;
        old.Starts++;
        return old;
    });

    public bool Remove(string id) => _byId.TryRemove(id, out _);
}
