using System.Net;
using System.Net.Sockets;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.Json;
using Xunit;

namespace MLflow.Server.Tests.Hardening;

/// <summary>Server-side request forgery and command injection: nothing that a client sends makes the server connect to anybody, or start anything.</summary>
public sealed class ForgeryTests(HardenedFixture fixture) : IClassFixture<HardenedFixture>
{
    private static readonly string[] Outbound =
    [
        "HttpClient", "HttpMessageInvoker", "HttpClientHandler", "SocketsHttpHandler", "IHttpClientFactory", "WebRequest", "HttpWebRequest", "WebClient", "TcpClient", "UdpClient", "SmtpClient", "Ping",
        "ClientWebSocket", "GrpcChannel", "Process", "ProcessStartInfo", "NamedPipeClientStream",
    ];

    [Fact]
    public void Server_HasNothingThatConnectsOrStartsAProgram()
    {
        using var assembly = new PEReader(File.OpenRead(typeof(MlflowServer).Assembly.Location));
        var metadata = assembly.GetMetadataReader();

        var types = metadata.TypeReferences.Select(metadata.GetTypeReference).Select(type => metadata.GetString(type.Name)).ToList();
        var calls = metadata.MemberReferences.Select(metadata.GetMemberReference)
            .Where(member => member.Parent.Kind == HandleKind.TypeReference && metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)member.Parent).Name) == "Socket")
            .Select(member => metadata.GetString(member.Name)).ToList();

        Assert.Contains("Socket", types);
        Assert.Empty(types.Intersect(Outbound));
        Assert.DoesNotContain(calls, call => call.StartsWith("Connect", StringComparison.Ordinal) || call.StartsWith("Send", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Addresses_InWhatClientsSend_AreNeverAsked()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/latest/meta-data";
        var server = fixture.Server;

        // The place of artifacts, as real MLflow would follow it; a picture in Markdown; a source of a trace; a link of a span.
        var created = await server.PostJsonAsync("/api/2.0/mlflow/experiments/create", JsonSerializer.Serialize(new { name = "forged", artifact_location = address }));
        var experiment = JsonDocument.Parse(created.Body).RootElement.TryGetProperty("experiment_id", out var id) ? id.GetString() : "0";
        var traceId = "tr-" + Guid.NewGuid().ToString("n");
        await server.PostJsonAsync("/api/3.0/mlflow/traces", JsonSerializer.Serialize(new
        {
            trace = new { trace_info = new { trace_id = traceId, trace_location = new { mlflow_experiment = new { experiment_id = experiment } }, tags = new Dictionary<string, string> { ["mlflow.artifactLocation"] = address } } },
        }));
        var span = HardenedServer.Span();
        span.Attributes.Add(HardenedServer.Attribute("mlflow.traceRequestId", $"\"{traceId}\""));
        span.Attributes.Add(HardenedServer.Attribute("url.full", address));
        span.Attributes.Add(HardenedServer.Attribute("mlflow.spanInputs", JsonSerializer.Serialize(new { messages = new[] { new { role = "user", content = $"![x]({address})" } } })));
        await server.ExportAsync(HardenedServer.Request(span));
        await server.SendAsync("GET", $"/ajax-api/3.0/mlflow/get-trace-artifact?request_id={traceId}&path={Guid.NewGuid()}");
        await server.SendAsync("GET", $"/api/2.0/mlflow-artifacts/artifacts?path={Uri.EscapeDataString(address)}");
        await server.SendAsync("PUT", $"/api/2.0/mlflow-artifacts/artifacts/{Uri.EscapeDataString(address)}", new StringContent("x"));
        var (_, page, _) = await server.SendAsync("GET", $"/traces/{traceId}");

        Assert.Contains(traceId, page, StringComparison.Ordinal);
        Assert.False(listener.Pending());
    }
}
