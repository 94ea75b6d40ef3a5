using System.Text.Json.Serialization;
using MLflow.Cli.MlflowDatabases;
using MLflow.Cli.Traces.Export;
using MLflow.Cli.Traces.Import;

namespace MLflow.Cli.Traces;

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ExportCursor))]
[JsonSerializable(typeof(ImportCursor))]
[JsonSerializable(typeof(MlflowImportCursor))]
internal sealed partial class CursorJson : JsonSerializerContext;
