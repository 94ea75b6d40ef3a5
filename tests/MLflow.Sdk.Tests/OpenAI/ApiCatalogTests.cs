using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed class ApiCatalogTests
{
    /// <summary>The methods that real MLflow patches, by the operation that they ask for.</summary>
    private static readonly string[] RecordedByRealMlflow =
        ["chat.completions.create", "completions.create", "embeddings.create", "responses.create", "images.generate"];

    [Theory]
    [InlineData("POST", "/v1/images/generations", "images.generate", "Images", "TOOL")]
    [InlineData("POST", "/openai/deployments/dall-e/images/generations", "images.generate", "Images", "TOOL")]
    [InlineData("POST", "/v1/audio/speech", "audio.speech.create", "Speech", "TOOL")]
    [InlineData("POST", "/v1/moderations", "moderations.create", "Moderations", "GUARDRAIL")]
    [InlineData("POST", "/v1/threads/runs", "beta.threads.create_and_run", "Threads.create_and_run", "AGENT")]
    [InlineData("POST", "/v1/threads/thread_1/runs/run_1/submit_tool_outputs", "beta.threads.runs.submit_tool_outputs", "Runs.submit_tool_outputs", "AGENT")]
    [InlineData("GET", "/v1/threads/thread_1/runs/run_1", "beta.threads.runs.retrieve", "Runs.retrieve", "UNKNOWN")]
    [InlineData("POST", "/v1/vector_stores/vs_1/search", "vector_stores.search", "VectorStores.search", "RETRIEVER")]
    [InlineData("GET", "/v1/responses/resp_1", "responses.retrieve", "Responses.retrieve", "UNKNOWN")]
    [InlineData("POST", "/v1/responses/compact", "responses.compact", "Responses.compact", "LLM")]
    [InlineData("POST", "/openai/v1/responses/resp_1/cancel", "responses.cancel", "Responses.cancel", "UNKNOWN")]
    [InlineData("GET", "/v1/conversations/conv_1/items", "conversations.items.list", "Conversations.items.list", "UNKNOWN")]
    [InlineData("POST", "/v1/chat/completions/chatcmpl-1", "chat.completions.update", "Completions.update", "UNKNOWN")]
    [InlineData("GET", "/v1/files/file-1/content", "files.content", "Files.content", "UNKNOWN")]
    [InlineData("GET", "/v1/containers/c/files/f/content/", "containers.files.content.retrieve", "Content.retrieve", "UNKNOWN")]
    [InlineData("GET", "/V1/Models", "models.list", "Models.list", "UNKNOWN")]
    [InlineData("GET", "/v1/organization/projects/p/api_keys", "admin.organization.projects.api_keys.list", "APIKeys.list", "UNKNOWN")]
    public void Find_Path_GivesTheOperation(string method, string path, string name, string spanName, string spanType)
    {
        var operation = ApiCatalog.Find(method, path);

        Assert.Equal((name, spanName, spanType), (operation?.Name, operation?.SpanName, operation?.SpanType));
    }

    [Theory]
    [InlineData("PUT", "/v1/files")]
    [InlineData("GET", "/v1/chat")]
    [InlineData("GET", "models")]
    [InlineData("GET", "/")]
    [InlineData("GET", "")]
    public void Find_OtherPath_GivesNothing(string method, string path) => Assert.Null(ApiCatalog.Find(method, path));

    [Fact]
    public void Find_EveryTemplate_GivesItsOwnOperation()
    {
        foreach (var operation in ApiCatalog.All)
        {
            var path = "/v1" + string.Join('/', operation.Template.Split('/').Select(segment => segment is ['{', ..] ? "x" + segment.Length : segment));

            Assert.Same(operation, ApiCatalog.Find(operation.Method, path));
            Assert.Equal(operation.Template.Count(c => c == '{'), operation.PathValues(path).Count());
        }
    }

    [Fact]
    public void All_Operations_HaveDistinctNames() =>
        Assert.Empty(ApiCatalog.All.GroupBy(operation => operation.Name).Where(group => group.Count() > 1).Select(group => group.Key));

    [Fact]
    public void All_OperationsOfTheOpenApiDocument_AreThere()
    {
        var file = SharedFolder.Find("recordings/openapi-examples.json");
        Assert.SkipWhen(file is null, "The examples of the OpenAPI document (../shared/recordings) are not here.");
        var operations = JsonNode.Parse(File.ReadAllText(file))!["operations"]!.AsArray();

        // A query is no part of the path: "?beta=true" asks for the same operation.
        var missing = operations
            .Select(operation => (Id: (string)operation!["operationId"]!, Method: (string)operation["method"]!, Path: ((string)operation["path"]!).Split('?')[0]))
            .Where(operation => ApiCatalog.Find(operation.Method, "/v1" + operation.Path)?.Template != operation.Path)
            .Select(operation => $"{operation.Id} {operation.Method} {operation.Path}");

        Assert.Equal(288, operations.Count);
        Assert.Empty(missing);
    }

    [Fact]
    public void Documentation_Table_IsTheCatalog()
    {
        var documented = File.ReadLines(Repository("docs/openai-apis.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal));
        var expected = ApiCatalog.All
            .Select(operation => (Place: Array.IndexOf(RecordedByRealMlflow, operation.Name) is >= 0 and var place ? place : RecordedByRealMlflow.Length, Operation: operation))
            .OrderBy(row => row.Place)
            .ThenBy(row => row.Operation.Name, StringComparer.Ordinal)
            .Select(row => Line(row.Operation));

        Assert.Equal(string.Join('\n', expected), string.Join('\n', documented));
    }

    private static string Line(ApiOperation operation)
    {
        var span = operation.AsyncSpanName is { } asyncName ? $"`{operation.SpanName}`, `{asyncName}`" : $"`{operation.SpanName}`";
        return $"| `{operation.Name}` | `{operation.Method} {operation.Template}` | {span} | {operation.SpanType} | {(RecordedByRealMlflow.Contains(operation.Name) ? "yes" : "no")} |";
    }

    private static string Repository(string path)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MLflow.slnx")))
            {
                return Path.Combine(folder.FullName, path);
            }
        }

        throw new FileNotFoundException("No MLflow.slnx above the tests.");
    }
}
