using System.Collections.Concurrent;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>The experiments and folders of the stand-in.</summary>
internal sealed class StoredExperiments
{
    private readonly ConcurrentDictionary<string, StoredExperiment> _byId = new();
    private readonly ConcurrentDictionary<string, byte> _folders = new(new[] { "/", "/Shared", "/Users", "/Users/" + UserEndpoints.UserName, "/Repos" }.Select(path => KeyValuePair.Create(path, (byte)0)));
    private long _last = 4_000_000_000_000_000;

    public IEnumerable<StoredExperiment> All => _byId.Values;

    public StoredExperiment? Find(string? id) => id is not null && _byId.TryGetValue(id, out var found) ? found : null;

    public StoredExperiment? FindByName(string? name) => _byId.Values.FirstOrDefault(e => e.Name == name);

    public StoredExperiment Add(string name)
    {
        var experiment = new StoredExperiment(Interlocked.Increment(ref _last).ToString(System.Globalization.CultureInfo.InvariantCulture), name);
        _byId[experiment.Id] = experiment;
        return experiment;
    }

    public bool HasFolder(string path) => _folders.ContainsKey(path);

    public void AddFolder(string path)
    {
        for (var at = path; at.Length > 1; at = Parent(at))
        {
            _folders[at] = 0;
        }
    }

    public static string Parent(string path) => path.LastIndexOf('/') is > 0 and var slash ? path[..slash] : "/";
}
