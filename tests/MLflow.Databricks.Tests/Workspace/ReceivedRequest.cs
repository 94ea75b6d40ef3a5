using System.Text;
using System.Text.Json.Nodes;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>A request as it came.</summary>
/// <param name="Method">The verb.</param>
/// <param name="Path">Path without query.</param>
/// <param name="Query">The query with its question mark, or nothing.</param>
/// <param name="Headers">Headers; several values of one name with commas between.</param>
/// <param name="Body">The body.</param>
internal sealed record ReceivedRequest(string Method, string Path, string Query, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public int Status { get; set; }

    public JsonNode Json => JsonNode.Parse(Body)!;

    public string Text => Encoding.UTF8.GetString(Body);

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    public override string ToString() => $"{Method} {Path}{Query} -> {Status}";
}
