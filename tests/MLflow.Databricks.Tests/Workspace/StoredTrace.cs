using System.Text.Json.Nodes;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>A trace of an experiment, or of a schema of Unity Catalog.</summary>
internal sealed class StoredTrace(string id, string place, JsonObject info)
{
    public string Id { get; } = id;

    /// <summary>Id of the experiment, or <c>catalog.schema</c>.</summary>
    public string Place { get; } = place;

    /// <summary>TraceInfo as it was sent, with the server's tags.</summary>
    public JsonObject Info { get; set; } = info;

    /// <summary>How often it was sent.</summary>
    public int Starts { get; set; } = 1;

    public List<JsonObject> Assessments { get; } = [];

    public JsonObject Tags => (JsonObject)Info["tags"]!;

    public JsonObject ToJson()
    {
        var json = (JsonObject)Info.DeepClone();
        if (Assessments.Count > 0)
        {
            json["assessments"] = new JsonArray([.. Assessments.Select(a => a.DeepClone())]);
        }

        return json;
    }
}
