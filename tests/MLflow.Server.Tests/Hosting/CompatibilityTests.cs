using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Tests.Rest;
using Xunit;

namespace MLflow.Server.Tests.Hosting;

/// <summary>docs/compatibility.md says what the routes say.</summary>
public sealed partial class CompatibilityTests : IClassFixture<SomeServer>
{
    private readonly SomeServer _server;

    public CompatibilityTests(SomeServer server) => _server = server;

    [Fact]
    public void Endpoints_SaidToBeHere_AreTheRoutes() =>
        Assert.Equal(Routes().Order(StringComparer.Ordinal), Rows().Where(row => row.Here is "yes" or "partly").SelectMany(Paths).Order(StringComparer.Ordinal));

    [Fact]
    public void Endpoints_SaidToBeMissing_AreNoRoutes()
    {
        var missing = Rows().Where(row => row.Here == "no").SelectMany(Paths)
            .Select(path => new Regex("^" + Regex.Escape(path).Replace("\\*", ".*", StringComparison.Ordinal) + "$")).ToList();

        Assert.NotEmpty(missing);
        Assert.All(Routes(), route => Assert.DoesNotContain(missing, pattern => pattern.IsMatch(route)));
    }

    [Fact]
    public void Rows_AreAllUnderstood() => Assert.All(Rows(), row => Assert.Contains(row.Here, (string[])["yes", "partly", "no"]));

    [Fact]
    public void Rows_ThatArePartly_SayWhatDiffers() => Assert.All(Rows().Where(row => row.Here == "partly"), row => Assert.NotEmpty(row.Note));

    private IEnumerable<string> Routes() => _server.Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .Where(endpoint => RoutesTests.IsForPrograms(endpoint.RoutePattern.RawText!))
        .SelectMany(endpoint => endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Select(method => Plain($"{method} {endpoint.RoutePattern.RawText}")));

    private static IEnumerable<string> Paths((string Verb, string Path, string Here, string Note) row) =>
        (row.Path[0] == '/' ? [$"{row.Verb} {row.Path}"] : new[] { $"{row.Verb} /api/{row.Path}", $"{row.Verb} /ajax-api/{row.Path}" }).Select(Plain);

    private static string Plain(string route) => Parameter().Replace(route, "{}");

    private static List<(string Verb, string Path, string Here, string Note)> Rows()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "MLflow.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The repository is not above the tests.");
        }

        var rows = File.ReadAllLines(Path.Combine(folder.FullName, "docs", "compatibility.md"))
            .SkipWhile(line => line != "## The tracking server's endpoints").Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .Select(line => Row().Match(line)).Where(match => match.Success)
            .Select(match => (match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value, match.Groups[4].Value)).ToList();
        Assert.True(rows.Count > 50, $"only {rows.Count} rows were found");
        return rows;
    }

    [GeneratedRegex(@"^\| `(\S+) (\S+)` \| (.*?) \| (.*?) ?\|$")]
    private static partial Regex Row();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();
}
