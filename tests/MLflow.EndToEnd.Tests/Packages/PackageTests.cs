using System.Diagnostics;
using System.IO.Compression;
using System.Reflection.Metadata;
using System.Text.RegularExpressions;
using MLflow.Cli.Demo.Scripted;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.EndToEnd.Tests.Repository;
using MLflow.Server;
using Xunit;

namespace MLflow.EndToEnd.Tests.Packages;

/// <summary>What README says, from packages as they are published, in projects that know nothing of this repository.</summary>
public sealed class PackageTests(PackedPackages packages) : IClassFixture<PackedPackages>
{
    private const string LightReferences = """<PackageReference Include="MLflow.Tracing" Version="*" /><PackageReference Include="OpenAI" Version="2.15.0" />""";

    private const string LightProgram =
        """
        using MLflow;
        using OpenAI;
        using OpenAI.Chat;

        Mlflow.OpenAI.Autolog();
        Mlflow.SetExperiment("light");
        var options = new OpenAIClientOptions { Endpoint = new Uri(Environment.GetEnvironmentVariable("ENDPOINT")!) };
        var client = new ChatClient("gpt-4o-mini", new System.ClientModel.ApiKeyCredential(Environment.GetEnvironmentVariable("KEY")!), options);
        ChatCompletion answer = client.CompleteChat("What is the capital of France?");
        Console.WriteLine(answer.Content[0].Text);
        Console.WriteLine(Question.Ask("woven"));
        Console.WriteLine(string.Join(' ', AppDomain.CurrentDomain.GetAssemblies().Select(a => a.GetName().Name)));

        static class Question
        {
            [Trace] public static string Ask(string what) => what;
        }
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task LightPackage_FreshProject_TracesACall()
    {
        using var folder = new TemporaryFolder();
        await using var endpoint = await ScriptedOpenAI.StartAsync(cancellationToken: Token);
        await using var server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, BackendStoreUri = folder.StoreUri }, Token);

        var output = await packages.RunProgramAsync(
            "light",
            LightReferences,
            LightProgram,
            ("MLFLOW_TRACKING_URI", server.BaseAddress.ToString()),
            ("ENDPOINT", endpoint.Endpoint.ToString()),
            ("KEY", ScriptedOpenAI.ApiKey));

        Assert.Contains("Paris", output, StringComparison.Ordinal);
        Assert.DoesNotContain("Cecil", output, StringComparison.Ordinal);
        using var api = new TrackingApi(server.BaseAddress);
        var traces = await api.SearchAsync("light", Token);
        Assert.Equal(2, traces.Count);
        var span = Assert.Single(await api.SpansAsync(traces[0]!["trace_id"]!.GetValue<string>(), Token));
        Assert.Contains("capital of France", span!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LightPackage_PublishedNatively_TracesACall()
    {
        using var folder = new TemporaryFolder();
        await using var endpoint = await ScriptedOpenAI.StartAsync(cancellationToken: Token);
        await using var server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, BackendStoreUri = folder.StoreUri }, Token);

        var output = await packages.RunNativeProgramAsync(
            "native",
            LightReferences,
            LightProgram,
            ("MLFLOW_TRACKING_URI", server.BaseAddress.ToString()),
            ("ENDPOINT", endpoint.Endpoint.ToString()),
            ("KEY", ScriptedOpenAI.ApiKey));

        Assert.Contains("Paris", output, StringComparison.Ordinal);
        using var api = new TrackingApi(server.BaseAddress);
        Assert.Equal(2, (await api.SearchAsync("light", Token)).Count);
    }

    [Fact]
    public async Task FullPackage_FreshProject_KeepsTracesInAFileAndShowsThem()
    {
        var output = await packages.RunProgramAsync(
            "full",
            """<PackageReference Include="MLflow" Version="*" />""",
            """
            using MLflow;
            using MLflow.Server;

            Mlflow.SetTrackingUri("sqlite:///mlflow.db");
            Mlflow.SetExperiment("full");
            Mlflow.StartSpan("work").Dispose();
            var flushed = await Mlflow.FlushAsync();
            Console.WriteLine($"exported {flushed.Exported}");
            await using var server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, BackendStoreUri = "sqlite:///other.db" });
            using var http = new HttpClient();
            foreach (var address in (Uri[])[new(Mlflow.TrackingUri + "/"), server.BaseAddress])
            {
                var page = await http.GetStringAsync(address);
                var assets = System.Text.RegularExpressions.Regex.Matches(page, "(?:src|href)=\"([^\"]+\\.(?:js|css|svg)[^\"]*)\"").Select(match => match.Groups[1].Value).ToList();
                foreach (var asset in assets)
                {
                    using var response = await http.GetAsync(new Uri(address, asset));
                    Console.WriteLine($"{(int)response.StatusCode} {asset}");
                }

                Console.WriteLine($"experiment {page.Contains(">full<")}");
                Console.WriteLine($"assets {assets.Count} {assets.Any(asset => asset.Contains("blazor.web"))}");
            }

            Console.WriteLine(File.Exists("mlflow.db") && File.Exists("other.db"));
            """);

        Assert.Contains("exported 1", output, StringComparison.Ordinal);
        Assert.Equal(2, output.Split("assets ").Length - 1);
        Assert.DoesNotContain("assets 0", output, StringComparison.Ordinal);
        Assert.Contains("experiment True", output, StringComparison.Ordinal);
        Assert.Contains("200 ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("False", output.Replace("experiment False", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain(output.Split('\n'), line => line.StartsWith("404 ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AspNetCorePackage_FreshProject_MakesARequestATrace()
    {
        using var folder = new TemporaryFolder();
        await using var server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, BackendStoreUri = folder.StoreUri }, Token);

        var output = await packages.RunProgramAsync(
            "web",
            "Microsoft.NET.Sdk.Web",
            """<PackageReference Include="MLflow.AspNetCore" Version="*" />""",
            """
            using MLflow;

            var builder = WebApplication.CreateBuilder(args);
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.Services.AddMlflowTracing();
            var app = builder.Build();
            app.UseMlflowTracing(o => o.ResponseHeader = "x-trace");
            app.MapGet("/hello/{name}", (string name) => Greeting.For(name));
            await app.StartAsync();
            using var http = new HttpClient();
            using var answer = await http.GetAsync(app.Urls.Single() + "/hello/ada");
            Console.WriteLine($"{await answer.Content.ReadAsStringAsync()} {answer.Headers.GetValues("x-trace").Single()}.");
            await app.StopAsync();

            static class Greeting
            {
                [Trace] public static string For(string name) => "hello, " + name;
            }
            """,
            ("MLFLOW_TRACKING_URI", server.BaseAddress.ToString()),
            ("MLFLOW_EXPERIMENT_NAME", "web"));

        using var api = new TrackingApi(server.BaseAddress);
        var traceId = Assert.Single(await api.SearchAsync("web", Token))!["trace_id"]!.GetValue<string>();
        Assert.Contains($"hello, ada {traceId}.", output, StringComparison.Ordinal);
        var spans = await api.SpansAsync(traceId, Token);
        Assert.Equal(2, spans.Count);
        Assert.Equal("GET /hello/{name}", spans[0]!["name"]!.GetValue<string>());
        Assert.Equal(spans[0]!["span_id"]!.GetValue<string>(), spans[1]!["parent_span_id"]!.GetValue<string>());
    }

    [Fact]
    public async Task ExtensionsAIPackage_FreshProject_TracesAModelOfAnyProvider()
    {
        using var folder = new TemporaryFolder();
        await using var server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, BackendStoreUri = folder.StoreUri }, Token);

        var output = await packages.RunProgramAsync(
            "extensions",
            """<PackageReference Include="MLflow.Extensions.AI" Version="*" />""",
            """
            using Microsoft.Extensions.AI;
            using MLflow;

            Mlflow.SetExperiment("extensions");
            using var client = new Parrot().AsBuilder().UseMlflowTracing().Build();
            Console.WriteLine(await client.GetResponseAsync("Say hello."));

            sealed class Parrot : IChatClient
            {
                public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
                    Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, "You said: " + messages.Last().Text)) { ModelId = "parrot-1" });

                public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
                    IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

                public object? GetService(Type serviceType, object? serviceKey = null) => null;

                public void Dispose()
                {
                }
            }
            """,
            ("MLFLOW_TRACKING_URI", server.BaseAddress.ToString()));

        Assert.Contains("You said: Say hello.", output, StringComparison.Ordinal);
        using var api = new TrackingApi(server.BaseAddress);
        var trace = Assert.Single(await api.SearchAsync("extensions", Token));
        var span = Assert.Single(await api.SpansAsync(trace!["trace_id"]!.GetValue<string>(), Token))!;
        Assert.Equal("parrot-1", TrackingApi.Attribute(span, "gen_ai.response.model"));
        Assert.Contains("You said: Say hello.", span.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LightPackage_DatabaseAsTrackingUri_SaysWhatIsMissing()
    {
        var output = await packages.RunProgramAsync(
            "without",
            """<PackageReference Include="MLflow.Tracing" Version="*" />""",
            """
            try
            {
                MLflow.Mlflow.SetTrackingUri("sqlite:///mlflow.db");
            }
            catch (ArgumentException e)
            {
                Console.WriteLine(e.Message);
            }
            """);

        Assert.Contains("'sqlite:///mlflow.db' names a database, for which the program needs the package MLflow", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tool_Installed_RunsTheServer()
    {
        var command = await packages.InstallToolAsync();
        using var folder = new TemporaryFolder();
        using var process = Process.Start(new ProcessStartInfo(command, ["server", "--port", "0", "--otlp-grpc-port", "none"]) { WorkingDirectory = folder.Path, RedirectStandardOutput = true })!;
        try
        {
            var line = await process.StandardOutput.ReadLineAsync(Token);
            var address = line!.Split(' ').First(word => word.StartsWith("http://", StringComparison.Ordinal));
            using var http = new HttpClient();
            Assert.Equal("3.11.2", await http.GetStringAsync(new Uri(new Uri(address), "version"), Token));
        }
        finally
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(Token);
        }
    }

    [Fact]
    public void Symbols_OfARepositoryWithAnAddress_SayWhereTheirSourceIs()
    {
        // The one of Source Link, https://github.com/dotnet/runtime/blob/main/docs/design/specs/PortablePdb-Metadata.md#source-link-c-and-vb-compilers
        var sourceLink = new Guid("CC110556-A091-4D38-9FEC-25AB9A351A6A");
        using var git = Process.Start(new ProcessStartInfo("git", ["config", "--get", "remote.origin.url"]) { WorkingDirectory = RepositoryFiles.Root(), RedirectStandardOutput = true, RedirectStandardError = true })!;
        var address = git.StandardOutput.ReadToEnd().Trim();
        Assert.SkipUnless(Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Host == "github.com", "This repository has no address that Source Link knows.");

        foreach (var file in Directory.GetFiles(packages.Source, "*.snupkg"))
        {
            using var package = ZipFile.OpenRead(file);
            var ours = package.Entries.Where(entry => entry.Name.EndsWith(".pdb", StringComparison.Ordinal) && entry.Name.Contains("mlflow", StringComparison.OrdinalIgnoreCase)).ToList();
            Assert.NotEmpty(ours);
            Assert.All(ours, entry =>
            {
                using var stream = new MemoryStream();
                using (var content = entry.Open())
                {
                    content.CopyTo(stream);
                }

                stream.Position = 0;
                using var provider = MetadataReaderProvider.FromPortablePdbStream(stream);
                var symbols = provider.GetMetadataReader();
                Assert.Contains(symbols.CustomDebugInformation, handle => symbols.GetGuid(symbols.GetCustomDebugInformation(handle).Kind) == sourceLink);
            });
        }
    }

    [Theory]
    [InlineData("MLflow")]
    [InlineData("MLflow.AspNetCore")]
    [InlineData("MLflow.Extensions.AI")]
    [InlineData("MLflow.Tracing")]
    public async Task Package_Brings_WhatTheDocumentSaysBesideWhatAnOpenAIUserHas(string package)
    {
        var openAI = await packages.BringsAsync("OpenAI", "2.15.0");
        var said = Regex.Match(RepositoryFiles.Read("docs/dependencies.md"), $@"^\| `{Regex.Escape(package)}` \| \d+ \| (.+) \|$", RegexOptions.Multiline).Groups[1].Value;

        var more = (await packages.BringsAsync(package, "*")).Except(openAI).ToList();

        Assert.Equal(package == "MLflow.Tracing", more.Count == 0);
        Assert.Equal(more.Count == 0 ? "nothing" : string.Join(", ", more.Select(name => $"`{name}`")), said);
    }

    [Fact]
    public void Packages_HaveReadmeLicenceSymbolsAndEachOtherInTheirVersion()
    {
        var files = Directory.GetFiles(packages.Source, "*.nupkg");
        Assert.Equal(5, files.Length);
        foreach (var file in files)
        {
            using var package = ZipFile.OpenRead(file);
            Assert.Contains(package.Entries, entry => entry.FullName == "README.md");
            using var reader = new StreamReader(package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open());
            var nuspec = reader.ReadToEnd();
            Assert.Contains("<license type=\"expression\">Apache-2.0</license>", nuspec, StringComparison.Ordinal);
            Assert.Contains("<readme>README.md</readme>", nuspec, StringComparison.Ordinal);

            // They use what is internal to each other.
            var ours = Regex.Matches(nuspec, @"<dependency id=""MLflow[\w.]*"" version=""([^""]+)""").Select(match => match.Groups[1].Value);
            var version = Regex.Match(nuspec, "<version>(.+)</version>").Groups[1].Value;
            Assert.All(ours, dependency => Assert.Equal($"[{version}]", dependency));
            Assert.Equal(Path.GetFileName(file).Split('.')[1] is "Tracing" or "Tool" ? 0 : 1, ours.Count());
            Assert.True(File.Exists(Path.ChangeExtension(file, ".snupkg")), file + " has no symbols.");
        }
    }
}
