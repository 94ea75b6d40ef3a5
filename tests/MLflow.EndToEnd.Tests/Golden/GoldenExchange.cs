using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;

namespace MLflow.EndToEnd.Tests.Golden;

/// <summary>One HTTP exchange of a golden case.</summary>
public sealed class GoldenExchange
{
    public GoldenExchange(JsonObject document)
    {
        var response = document["response"]!;
        Path = (string)document["request"]!["path"]!;
        Request = document["request"]!["body"]!.ToJsonString(SharedFolder.AsText);
        Status = (int)response["status"]!;
        Headers = response["headers"]!.AsObject().ToDictionary(header => header.Key, header => (string)header.Value!);
        IsEventStream = response["sse"] is not null;
        Body = (string?)response["sse"] ?? response["body"]!.ToJsonString(SharedFolder.AsText);
        IsCut = ((string?)response["note"])?.Contains("connection is cut", StringComparison.Ordinal) ?? false;
    }

    public string Path { get; }

    public string Request { get; }

    public int Status { get; }

    public IReadOnlyDictionary<string, string> Headers { get; }

    public bool IsEventStream { get; }

    public string Body { get; }

    /// <summary>The server resets the connection behind the body.</summary>
    public bool IsCut { get; }
}
