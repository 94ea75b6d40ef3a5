#:project Setup
#:project ../src/MLflow.Server
#:package OpenAI
#:property PublishAot=false

using System.ClientModel;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using MLflow;
using MLflow.Samples;
using MLflow.Server;
using OpenAI;
using OpenAI.Chat;

var sample = await Sample.StartAsync();
var upstream = sample.Options.Endpoint!;
sample.Key.Deconstruct(out var providerKey);

// A server of its own, which only calls hosts on this machine when they are named; yours is `mlflow server` or `dotnet mlflow server`
var folder = Directory.CreateTempSubdirectory("mlflow-gateway-sample-");
var server = await MlflowServer.StartAsync(new MlflowServerOptions
{
    Port = 0,
    OtlpGrpcPort = null,
    BackendStoreUri = "sqlite:///" + Path.Combine(folder.FullName, "mlflow.db"),
    GatewayAllowedHosts = upstream.IsLoopback ? [upstream.Authority] : [],
    LogLevel = "error",
});
using var http = new HttpClient { BaseAddress = server.BaseAddress };

// What an administrator does once: the provider's key, a model that is called with it, and the endpoint that programs name as their model
var secret = await PostAsync("3.0/mlflow/gateway/secrets/create", $$$"""{"secret_name": "openai", "secret_value": {"api_key": "{{{providerKey}}}"}, "auth_config": {"api_base": "{{{upstream}}}"}}""");
var model = await PostAsync("3.0/mlflow/gateway/model-definitions/create", $$"""{"name": "mini", "secret_id": "{{secret["secret"]!["secret_id"]}}", "provider": "openai", "model_name": "gpt-4o-mini"}""");
await PostAsync("3.0/mlflow/gateway/endpoints/create", $$"""{"name": "chat", "record_content": true, "model_configs": [{"model_definition_id": "{{model["model_definition"]!["model_definition_id"]}}"}]}""");

// With the first user everybody has to sign in; programs do so with a token
await PostAsync("2.0/mlflow/users/create", """{"username": "ada", "password": "a password for a sample"}""");
http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String("ada:a password for a sample"u8));
var token = (await PostAsync("2.0/mlflow/users/tokens/create", """{"name": "sample", "scope": "write"}"""))["token_value"]!.GetValue<string>();

// What a program does: the gateway's address, the MLflow token as its key, the endpoint's name as the model
var client = new ChatClient("chat", new ApiKeyCredential(token), new OpenAIClientOptions { Endpoint = new Uri(server.BaseAddress, "gateway/openai/v1") });
ClientResult<ChatCompletion> result = await client.CompleteChatAsync("What is the capital of France?");
Console.WriteLine(result.Value.Content[0].Text);

// The server has made a trace of the call
result.GetRawResponse().Headers.TryGetValue("X-MLflow-Trace-Id", out var traceId);
await using (var mlflow = new MlflowClient(new MlflowClientOptions { TrackingUri = server.BaseAddress.ToString(), TrackingToken = token }))
{
    TraceRecord? trace = null;
    while (trace is null)
    {
        try
        {
            trace = await mlflow.GetTraceAsync(traceId!);
        }
        catch (TraceNotFoundException)
        {
            // It is stored after the answer
            await Task.Delay(50);
        }
    }

    Console.WriteLine(trace);
}

await server.DisposeAsync();
folder.Delete(recursive: true);

async Task<JsonNode> PostAsync(string call, string json)
{
    using var content = new StringContent(json, Encoding.UTF8, "application/json");
    using var answer = await http.PostAsync(new Uri("api/" + call, UriKind.Relative), content);
    var body = await answer.Content.ReadAsStringAsync();
    return answer.IsSuccessStatusCode ? JsonNode.Parse(body)! : throw new InvalidOperationException($"{call}: {body}");
}
