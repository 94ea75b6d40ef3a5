namespace MLflow.Tests.Databricks.Workspace;

/// <summary>An experiment of the stand-in.</summary>
internal sealed class StoredExperiment(string id, string name)
{
    public string Id { get; } = id;

    public string Name { get; set; } = name;

    public bool IsDeleted { get; set; }

    /// <summary>Who asks lacks the right to write into it.</summary>
    public bool IsForbidden { get; set; }

    /// <summary>Where its traces go since it was linked (fact sheet §1.10); null for the experiment itself.</summary>
    public string? LinkedLocation { get; set; }

    public Dictionary<string, string> Tags { get; } = [];
}
