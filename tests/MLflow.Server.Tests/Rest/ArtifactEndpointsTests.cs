using System.Net;
using System.Text;
using MLflow.Server.Artifacts;
using MLflow.Server.Tests.Golden;
using Xunit;

namespace MLflow.Server.Tests.Rest;

public sealed class ArtifactEndpointsTests : IClassFixture<SomeServer>
{
    private const string Artifacts = "/api/2.0/mlflow-artifacts/artifacts";

    private readonly SomeServer _server;

    public ArtifactEndpointsTests(SomeServer server) => _server = server;

    [Fact]
    public async Task File_PutListedReadAndDeleted_Follows()
    {
        await PutAsync("1/run/artifacts/a ü.txt", "first");
        Assert.Equal((200, "{}"), await PutAsync("1/run/artifacts/a ü.txt", "text"));
        await PutAsync("1/run/artifacts/sub/.hidden", "");

        var listed = await _server.GetAsync(Artifacts + "?path=1/run/artifacts");
        Assert.Equal("""{"files":[{"path":"a ü.txt","is_dir":false,"file_size":4},{"path":"sub","is_dir":true}]}""", listed.Body.GetRawText());
        Assert.Empty(WireShape.Check(listed.Body, "files"));
        Assert.Equal("""{"files":[{"path":".hidden","is_dir":false,"file_size":0}]}""", (await _server.GetAsync("/ajax-api/2.0/mlflow-artifacts/artifacts?path=1/run/artifacts/sub/")).Body.GetRawText());
        Assert.Equal("{}", (await _server.GetAsync(Artifacts + "?path=nothing/here")).Body.GetRawText());
        Assert.DoesNotContain("uploads", (await _server.GetAsync(Artifacts)).Body.GetRawText(), StringComparison.Ordinal);

        using var read = await _server.Client.GetAsync(Address("1/run/artifacts/a ü.txt"), Xunit.TestContext.Current.CancellationToken);
        Assert.Equal("text", await read.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken));
        Assert.Equal(("text/plain", "attachment"), (read.Content.Headers.ContentType!.MediaType, read.Content.Headers.ContentDisposition!.DispositionType));

        Assert.Equal(200, (await _server.SendAsync(HttpMethod.Delete, Artifacts + "/1/run/artifacts", "{}")).Status);
        var missing = await _server.GetAsync(Artifacts + "/1/run/artifacts/sub/.hidden");
        Assert.Equal((404, "RESOURCE_DOES_NOT_EXIST"), (missing.Status, missing.Body.GetProperty("error_code").GetString()));
        Assert.Equal(404, (await _server.SendAsync(HttpMethod.Delete, Artifacts + "/1/run/artifacts", "{}")).Status);
    }

    [Theory]
    [InlineData("..%2Fmlflow.db")]
    [InlineData("x/..%2F..%2Fmlflow.db")]
    [InlineData("x%2F..%2F..%2Fmlflow.db")]
    [InlineData("%252e%252e%252fmlflow.db")]
    [InlineData("%25252e%25252e%25252fmlflow.db")]
    [InlineData("..%5Cmlflow.db")]
    [InlineData("x%5C..%5C..%5Cmlflow.db")]
    [InlineData("C:%5Cmlflow.db")]
    [InlineData("a//b")]
    [InlineData("a/%20/b")]
    [InlineData(".mlflow-uploads/x")]
    [InlineData(".mlflow-uploads.%2Fx")]
    [InlineData(".mlflow-uploads%20%2Fx")]
    [InlineData(".MLFLOW-UPLOADS%2Fx")]
    [InlineData("")]
    public async Task Path_ThatLeadsElsewhere_IsRefusedForEveryVerb(string path)
    {
        foreach (var method in (HttpMethod[])[HttpMethod.Put, HttpMethod.Get, HttpMethod.Delete])
        {
            using var answer = await SendRawAsync(method, $"{Artifacts}/{path}");
            if (method == HttpMethod.Get && path.Length == 0)
            {
                continue;
            }

            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains("Invalid path", await answer.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        if (path.Length > 0)
        {
            Assert.Equal(400, (await _server.GetAsync($"{Artifacts}?path={path}")).Status);
        }
    }

    [Theory]
    [InlineData("/api/2.0/mlflow-artifacts/artifacts/../../../../mlflow.db")]
    [InlineData("/api/2.0/mlflow-artifacts/artifacts/%2e%2e/mlflow.db")]
    [InlineData("/api/2.0/mlflow-artifacts/artifacts?path=../")]
    [InlineData("/api/2.0/mlflow-artifacts/artifacts?path=/etc/..")]
    [InlineData("/api/2.0/mlflow-artifacts/artifacts?path=..%255c")]
    public async Task Path_SentAsItIs_ShowsNothingOfTheFolderAbove(string target)
    {
        var answer = await SendLineAsync($"GET {target} HTTP/1.1");

        Assert.DoesNotContain("200 OK", answer.Split('\n')[0], StringComparison.Ordinal);
        Assert.DoesNotContain("SQLite format", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_WhereAFolderIs_OrBelowAFile_IsRefused()
    {
        await PutAsync("place/folder/file", "x");

        Assert.Equal(400, (await PutAsync("place/folder", "x")).Status);
        Assert.Equal(400, (await PutAsync("place/folder/file/below", "x")).Status);
        Assert.Equal(400, (await PutAsync("place/" + new string('n', 256), "x")).Status);
        Assert.Equal("x", await _server.Client.GetStringAsync(Address("place/folder/file"), Xunit.TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Upload_ThatBreaksOff_LeavesNothing()
    {
        await SendLineAsync($"PUT {Artifacts}/broken/off HTTP/1.1", "Content-Length: 100\r\n", "half");

        // The next one is answered after the broken one has been cleaned up or is still waiting; neither is a file.
        Assert.Equal(404, (await _server.GetAsync(Artifacts + "/broken/off")).Status);
    }

    [Fact]
    public async Task Parts_InAnyOrder_BecomeOneFile()
    {
        var created = await _server.PostAsync("/api/2.0/mlflow-artifacts/mpu/create/1/big", new { path = "models/2/model.bin", num_parts = 3 });
        Assert.Empty(WireShape.Check(created.Body, "upload"));
        var uploadId = created.Body.GetProperty("upload_id").GetString();
        var parts = new List<object>();
        foreach (var credential in created.Body.GetProperty("credentials").EnumerateArray().Reverse())
        {
            var number = credential.GetProperty("part_number").GetInt32();
            using var content = new ByteArrayContent(Encoding.UTF8.GetBytes($"part {number};"));
            using var answer = await _server.Client.PutAsync(new Uri(credential.GetProperty("url").GetString()!), content, Xunit.TestContext.Current.CancellationToken);
            parts.Add(new { part_number = number, etag = answer.Headers.ETag!.Tag, url = credential.GetProperty("url").GetString() });
        }

        var complete = new { path = "models/2/model.bin", upload_id = uploadId, parts };
        Assert.Equal(400, (await _server.PostAsync("/api/2.0/mlflow-artifacts/mpu/complete/1/other", complete)).Status);
        Assert.Equal(400, (await _server.PostAsync("/api/2.0/mlflow-artifacts/mpu/complete/1/big", complete with { parts = [new { part_number = 1, etag = "wrong", url = "" }] })).Status);
        Assert.Equal(400, (await _server.PostAsync("/api/2.0/mlflow-artifacts/mpu/complete/1/big", complete with { parts = [new { part_number = 4, etag = "wrong", url = "" }] })).Status);
        Assert.Equal(400, (await _server.PostAsync("/api/2.0/mlflow-artifacts/mpu/complete/1/big", complete with { parts = [] })).Status);
        Assert.Equal(404, (await _server.GetAsync(Artifacts + "/1/big/model.bin")).Status);
        Assert.Equal(["part-1", "part-2", "part-3", "path"], Directory.GetFiles(Path.Combine(Uploads, uploadId!)).Select(file => Path.GetFileName(file)).Order());
        Assert.Empty(Directory.GetFiles(Uploads));

        Assert.Equal(200, (await _server.PostAsync("/api/2.0/mlflow-artifacts/mpu/complete/1/big", complete)).Status);
        Assert.Equal("part 1;part 2;part 3;", await _server.Client.GetStringAsync(Address("1/big/model.bin"), Xunit.TestContext.Current.CancellationToken));
        Assert.Equal(404, (await _server.PostAsync("/api/2.0/mlflow-artifacts/mpu/complete/1/big", complete)).Status);
    }

    [Fact]
    public void Upload_DiskFails_IsRefusedForNow()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("taken"), "");
        var uploads = new ArtifactUploads(new ArtifactFolder(Path.Combine(folder.File("taken"), "artifacts")), TimeProvider.System);

        Assert.Equal(ErrorCode.TEMPORARILY_UNAVAILABLE, Assert.Throws<MlflowException>(() => uploads.Create("a", 1)).ErrorCode);
    }

    [Fact]
    public async Task Files_OfADeletedTrace_AreGone()
    {
        var (gone, kept) = (await TraceAsync("0"), await TraceAsync("0"));
        foreach (var traceId in new[] { gone, kept })
        {
            await PutAsync($"0/traces/{traceId}/artifacts/attachments/a", "x");
        }

        Assert.Equal(1, (await _server.PostAsync("/api/3.0/mlflow/traces/delete-traces", new { experiment_id = "0", request_ids = new[] { gone, "tr-../../../x" } })).Body.GetProperty("traces_deleted").GetInt32());

        Assert.Equal(404, (await _server.GetAsync($"{Artifacts}/0/traces/{gone}/artifacts/attachments/a")).Status);
        Assert.Equal("x", await _server.Client.GetStringAsync(Address($"0/traces/{kept}/artifacts/attachments/a"), Xunit.TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Parts_Aborted_AreGone()
    {
        var created = await _server.PostAsync("/api/2.0/mlflow-artifacts/mpu/create", new { path = "x.bin", num_parts = 1 });
        var uploadId = created.Body.GetProperty("upload_id").GetString();
        var url = new Uri(created.Body.GetProperty("credentials")[0].GetProperty("url").GetString()!);

        Assert.Equal(200, (await _server.PostAsync("/api/2.0/mlflow-artifacts/mpu/abort", new { path = "x.bin", upload_id = uploadId })).Status);

        using var late = await _server.Client.PutAsync(url, new ByteArrayContent([1]), Xunit.TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, late.StatusCode);
        Assert.Equal(404, (await _server.PostAsync("/api/2.0/mlflow-artifacts/mpu/abort", new { path = "x.bin", upload_id = "../../x" })).Status);
        Assert.Equal(400, (await _server.PostAsync("/api/2.0/mlflow-artifacts/mpu/create", new { path = "x.bin", num_parts = 10_001 })).Status);
        Assert.Equal(400, (await _server.PostAsync("/api/2.0/mlflow-artifacts/mpu/create/a/%252e%252e", new { path = "x.bin", num_parts = 1 })).Status);
    }

    [Fact]
    public async Task TraceData_OfAnExperimentWithItsOwnPlace_BecomesSpans()
    {
        var experiment = (await _server.PostAsync("/api/2.0/mlflow/experiments/create", new { name = "placed", artifact_location = "mlflow-artifacts:/own/place" })).Body.GetProperty("experiment_id").GetString();
        var traceId = await TraceAsync(experiment!);
        var path = $"own/place/traces/{traceId}/artifacts";

        Assert.Equal((200, "{}"), await PutAsync(path + "/traces.json", $$$"""{"spans":[{"trace_id":"x","span_id":"AAAAAAAAAAE=","parent_span_id":null,"name":"s","start_time_unix_nano":1,"end_time_unix_nano":2,"events":[],"status":{"code":"STATUS_CODE_OK"},"attributes":{"mlflow.traceRequestId":"\"{{{traceId}}}\""}}]}"""));

        Assert.Single((await _server.GetAsync($"/api/3.0/mlflow/traces/get?trace_id={traceId}")).Body.GetProperty("trace").GetProperty("spans").EnumerateArray());
        Assert.Equal("s", (await _server.GetAsync($"{Artifacts}/{path}/traces.json")).Body.GetProperty("spans")[0].GetProperty("name").GetString());
        Assert.Equal(400, (await _server.SendAsync(HttpMethod.Delete, $"{Artifacts}/{path}/traces.json", "{}")).Status);
        Assert.Equal(404, (await PutAsync("own/place/traces/tr-nope/artifacts/traces.json", """{"spans":[]}""")).Status);
    }

    [Fact]
    public async Task Attachment_OfATrace_IsADownload()
    {
        var traceId = await TraceAsync("0");
        var id = Guid.NewGuid();
        await PutAsync($"0/traces/{traceId}/artifacts/attachments/{id}", "<script>alert(1)</script>");

        using var answer = await _server.Client.GetAsync(new Uri($"/ajax-api/3.0/mlflow/get-trace-artifact?request_id={traceId}&path={id}", UriKind.Relative), Xunit.TestContext.Current.CancellationToken);

        Assert.Equal("<script>alert(1)</script>", await answer.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken));
        Assert.Equal(("application/octet-stream", "attachment"), (answer.Content.Headers.ContentType!.MediaType, answer.Content.Headers.ContentDisposition!.DispositionType));
        var wrong = await _server.GetAsync($"/ajax-api/2.0/mlflow/get-trace-artifact?request_id={traceId}&path=aa");
        Assert.Equal((400, "Invalid attachment path: 'aa'. Attachment path must be a valid UUID."), (wrong.Status, wrong.Body.GetProperty("message").GetString()));
        var missing = await _server.GetAsync($"/ajax-api/2.0/mlflow/get-trace-artifact?request_id={traceId}&path={Guid.NewGuid()}");
        Assert.Equal((404, "NOT_FOUND"), (missing.Status, missing.Body.GetProperty("error_code").GetString()));
        Assert.Equal(404, (await _server.GetAsync($"/ajax-api/2.0/mlflow/get-trace-artifact?request_id=tr-nope&path={id}")).Status);
    }

    private async Task<string> TraceAsync(string experiment)
    {
        var traceId = "tr-" + Guid.NewGuid().ToString("n");
        await _server.PostAsync("/api/3.0/mlflow/traces", new { trace = new { trace_info = new { trace_id = traceId, trace_location = new { mlflow_experiment = new { experiment_id = experiment } } } } });
        return traceId;
    }

    private async Task<(int Status, string Body)> PutAsync(string path, string content)
    {
        using var body = new StringContent(content);
        using var answer = await _server.Client.PutAsync(Address(path), body, Xunit.TestContext.Current.CancellationToken);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken));
    }

    private string Uploads => Path.Combine(Path.GetDirectoryName(_server.DatabasePath)!, "artifacts", ".mlflow-uploads");

    private static Uri Address(string path) => new($"{Artifacts}/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}", UriKind.Relative);

    // HttpClient's Uri keeps escapes of slashes and percent signs as they are, and would take dot segments away.
    private async Task<HttpResponseMessage> SendRawAsync(HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, new Uri(_server.Server.BaseAddress.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        request.Content = method == HttpMethod.Put ? new StringContent("x") : null;
        return await _server.Client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);
    }

    private async Task<string> SendLineAsync(string line, string headers = "", string body = "")
    {
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, _server.Server.BaseAddress.Port, Xunit.TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.UTF8.GetBytes($"{line}\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n{body}"), Xunit.TestContext.Current.CancellationToken);
        if (body.Length > 0)
        {
            return string.Empty;
        }

        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(Xunit.TestContext.Current.CancellationToken);
    }
}
