using System.Net;
using System.Net.Sockets;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
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
    public void Server_HasNothingThatConnectsOrStartsAProgram_ButTheGateway()
    {
        using var assembly = new PEReader(File.OpenRead(typeof(MlflowServer).Assembly.Location));
        var metadata = assembly.GetMetadataReader();
        var outbound = metadata.MemberReferences.Where(handle => IsOutbound(metadata, metadata.GetMemberReference(handle))).Select(handle => metadata.GetToken(handle)).ToHashSet();

        var callers = metadata.MethodDefinitions.Select(metadata.GetMethodDefinition).Where(method => method.RelativeVirtualAddress != 0)
            .Where(method => Tokens(assembly.GetMethodBody(method.RelativeVirtualAddress).GetILBytes()!).Any(outbound.Contains)).Select(method => NamespaceOf(metadata, method.GetDeclaringType()));

        // It looks at every address before it connects (UpstreamRules).
        Assert.Equal(["MLflow.Server.Gateway"], callers.Distinct());
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

    private static bool IsOutbound(MetadataReader metadata, MemberReference member)
    {
        if (member.Parent.Kind != HandleKind.TypeReference)
        {
            return false;
        }

        var type = metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)member.Parent).Name);
        var name = metadata.GetString(member.Name);
        return Outbound.Contains(type) || (type == "Socket" && (name.StartsWith("Connect", StringComparison.Ordinal) || name.StartsWith("Send", StringComparison.Ordinal)));
    }

    private static string NamespaceOf(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        while (type.GetDeclaringType() is { IsNil: false } outer)
        {
            type = metadata.GetTypeDefinition(outer);
        }

        return metadata.GetString(type.Namespace);
    }

    // Every four bytes that may be a token: what is found too much would only fail the test.
    private static IEnumerable<int> Tokens(byte[] code)
    {
        for (var at = 0; at + sizeof(int) <= code.Length; at++)
        {
            yield return BitConverter.ToInt32(code, at);
        }
    }
}
