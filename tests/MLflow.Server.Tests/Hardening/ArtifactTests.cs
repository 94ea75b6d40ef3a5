using MLflow.Server.Rest;
using Xunit;

namespace MLflow.Server.Tests.Hardening;

/// <summary>Files of clients: a path leads nowhere else, and a browser shows none of them.</summary>
public sealed class ArtifactTests(HardenedFixture fixture) : IClassFixture<HardenedFixture>
{
    private const string Artifacts = "/api/2.0/mlflow-artifacts/artifacts";

    public static TheoryData<string> Traversals =>
    [
        "../mlflow.db", "..%2fmlflow.db", "%2e%2e/mlflow.db", "%2e%2e%2fmlflow.db", "%252e%252e%252fmlflow.db", "%25252e%25252e%25252fmlflow.db",
        "a/../../mlflow.db", "a/%2e%2e/%2e%2e/mlflow.db", "..\\mlflow.db", "..%5cmlflow.db", "..%255cmlflow.db", "a%5c..%5c..%5cmlflow.db",
        "%2fetc%2fpasswd", "//etc/passwd", "/etc/passwd", "%2f%2fserver%2fshare", "%5c%5cserver%5cshare%5cfile", "C:%5cWindows%5cwin.ini", "C:/Windows/win.ini", "file:%2f%2f%2fetc%2fpasswd",
        "a%00.txt", "%2500", "a%0d%0ab", "a%7fb", "..;/mlflow.db", ".../mlflow.db", "..%c0%afmlflow.db", "%c0%ae%c0%ae/mlflow.db", "a%3a%3a$DATA", "con%20/x", "a%20", "a.", "a./b",
        "..%ef%bc%8fmlflow.db", "..%e2%88%95mlflow.db", "%ef%bc%8e%ef%bc%8e/mlflow.db", "a%23..%2f..%2fmlflow.db", "a%3f..%2f..%2fmlflow.db",
    ];

    [Theory]
    [MemberData(nameof(Traversals))]
    public async Task Path_ThatWouldLeadElsewhere_ReadsWritesAndDeletesNothingThere(string path)
    {
        var server = fixture.Server;
        Directory.CreateDirectory(server.Artifacts);
        var outside = Outside(server);

        foreach (var target in (string[])[$"{Artifacts}/{path}", $"{Artifacts}?path={path}"])
        {
            var (_, body, _) = await server.SendAsync("GET", target);
            Assert.DoesNotContain("SQLite format", body, StringComparison.Ordinal);
            Assert.DoesNotContain("root:", body, StringComparison.Ordinal);
            Assert.DoesNotContain("mlflow.db", body.Contains("\"files\"", StringComparison.Ordinal) ? body : "", StringComparison.Ordinal);
        }

        await server.SendAsync("PUT", $"{Artifacts}/{path}", new StringContent("overwritten"));
        await server.SendAsync("DELETE", $"{Artifacts}/{path}");
        await server.SendAsync("POST", $"/api/2.0/mlflow-artifacts/mpu/create/{path}", new StringContent("""{"path":"x","num_parts":1}""", null, "application/json"));

        Assert.Equal(outside, Outside(server));
        Assert.Equal((byte)'S', File.ReadAllBytes(Path.Combine(server.Folder, "mlflow.db"))[0]);
        Assert.Equal(200, (await server.SendAsync("GET", "/api/3.0/mlflow/server-info")).Status);
    }

    // Names that stand for devices on Windows, or hide a stream there, make no file anywhere.
    [Theory]
    [InlineData("a:stream")]
    [InlineData("a%3astream")]
    [InlineData("x%5cy")]
    [InlineData("CON")]
    [InlineData("nul.txt")]
    [InlineData("a/LPT1")]
    [InlineData("a/com9.log/b")]
    public async Task Name_ThatMeansSomethingElseOnWindows_IsRefused(string path)
    {
        var server = fixture.Server;

        Assert.Equal(400, (await server.SendAsync("PUT", $"{Artifacts}/{path}", new StringContent("x"))).Status);
    }

    [Fact]
    public async Task Link_InTheFolder_LeadsNowhere()
    {
        await using var server = await HardenedServer.StartAsync();
        await server.SendAsync("PUT", $"{Artifacts}/real/file", new StringContent("kept"));
        var secrets = Directory.CreateDirectory(Path.Combine(server.Folder, "secrets"));
        await File.WriteAllTextAsync(Path.Combine(secrets.FullName, "key"), "secret", Xunit.TestContext.Current.CancellationToken);
        Directory.CreateSymbolicLink(Path.Combine(server.Artifacts, "folder"), secrets.FullName);
        File.CreateSymbolicLink(Path.Combine(server.Artifacts, "file"), Path.Combine(secrets.FullName, "key"));

        foreach (var path in (string[])["folder/key", "file", "folder/new", "folder"])
        {
            Assert.Equal(400, (await server.SendAsync("GET", $"{Artifacts}/{path}")).Status);
            Assert.Equal(400, (await server.SendAsync("PUT", $"{Artifacts}/{path}", new StringContent("x"))).Status);
            Assert.Equal(400, (await server.SendAsync("DELETE", $"{Artifacts}/{path}")).Status);
        }

        Assert.Equal(400, (await server.SendAsync("GET", $"{Artifacts}?path=folder")).Status);
        Assert.Equal("""{"files":[{"path":"real","is_dir":true}]}""", (await server.SendAsync("GET", Artifacts)).Body);
        Assert.Equal("secret", await File.ReadAllTextAsync(Path.Combine(secrets.FullName, "key"), Xunit.TestContext.Current.CancellationToken));
        Assert.Single(Directory.GetFiles(secrets.FullName));
    }

    [Theory]
    [InlineData("page.html")]
    [InlineData("picture.svg")]
    [InlineData("page.xhtml")]
    [InlineData("feed.xml")]
    [InlineData("script.js")]
    [InlineData("noextension")]
    [InlineData("=cmd.csv")]
    [InlineData("a\"; filename=x.html")]
    public async Task File_WhateverItIs_IsADownloadInASandbox(string name)
    {
        var server = fixture.Server;
        await server.SendAsync("PUT", $"{Artifacts}/{Uri.EscapeDataString(name)}", new StringContent("<script>alert(1)</script>"));

        var (status, body, response) = await server.SendAsync("GET", $"{Artifacts}/{Uri.EscapeDataString(name)}");

        Assert.Equal((200, "<script>alert(1)</script>"), (status, body));
        Assert.Equal("attachment", response.Content.Headers.ContentDisposition!.DispositionType);
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal(SecurityHeaders.NothingAllowed, response.Headers.GetValues("Content-Security-Policy").Single());
        Assert.Equal("same-origin", response.Headers.GetValues("Cross-Origin-Resource-Policy").Single());
    }

    // The log of the database comes and goes beside it.
    private static List<string> Outside(HardenedServer server) => [.. Directory.GetFileSystemEntries(server.Folder).Where(entry => !entry.Contains("mlflow.db-", StringComparison.Ordinal)).Order()];
}
