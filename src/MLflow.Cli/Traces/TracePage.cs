using System.Text.Json;

namespace MLflow.Cli.Traces;

/// <summary>What a search found.</summary>
/// <param name="Infos">Facts of the traces as the server wrote them.</param>
/// <param name="NextPageToken">Asks for the next page; null after the last.</param>
internal sealed record TracePage(IReadOnlyList<JsonElement> Infos, string? NextPageToken);
