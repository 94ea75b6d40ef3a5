using System.Text.Json.Serialization;
using MLflow.Cli.Traces.Export;

namespace MLflow.Cli.Traces;

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ExportCursor))]
internal sealed partial class CursorJson : JsonSerializerContext;
