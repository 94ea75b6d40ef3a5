using Xunit;

namespace MLflow.Weaver.Tests.Builds;

/// <summary>A project of its own in a temporary folder, built as a user's is, with the build files of the package.</summary>
internal sealed class ChildProject : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlflow-weaver-");

    /// <param name="name">Name of the project and its assembly.</param>
    /// <param name="language"><c>cs</c> or <c>fs</c>.</param>
    /// <param name="source">The program.</param>
    /// <param name="properties">Properties, as XML.</param>
    /// <param name="hasBuildFiles">False: as a project that takes MLflow.Tracing.dll from elsewhere.</param>
    public ChildProject(string name, string language, string source, string properties = "", bool hasBuildFiles = true)
    {
        Name = name;
        var root = DotNet.RepositoryRoot();
        var build = Path.Combine(root, "src/MLflow.Tracing.Weaver/build/MLflow.Tracing");
        File.WriteAllText(Path.Combine(_folder.FullName, "Program." + language), source);

        // Where a package's files are imported too.
        File.WriteAllText(Path.Combine(_folder.FullName, "Directory.Build.props"), Import(".props"));
        File.WriteAllText(Path.Combine(_folder.FullName, "Directory.Build.targets"), Import(".targets"));
        File.WriteAllText(
            Path.Combine(_folder.FullName, $"{name}.{language}proj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <SatelliteResourceLanguages>en</SatelliteResourceLanguages>
                <UseSharedCompilation>false</UseSharedCompilation>
                <MlflowWeaverAssembly>{root}/artifacts/bin/MLflow.Tracing.Weaver/{DotNet.Configuration.ToLowerInvariant()}/MLflow.Tracing.Weaver.dll</MlflowWeaverAssembly>
                {properties}
              </PropertyGroup>
              <ItemGroup>
                {(language == "fs" ? "<Compile Include=\"Program.fs\" />" : "")}
                <Reference Include="{AppContext.BaseDirectory}MLflow.Tracing.dll" />
                <Reference Include="{AppContext.BaseDirectory}Microsoft.Extensions.Logging.Abstractions.dll" />
                <Reference Include="{AppContext.BaseDirectory}Microsoft.Extensions.DependencyInjection.Abstractions.dll" />
                <Reference Include="{AppContext.BaseDirectory}System.ClientModel.dll" />
              </ItemGroup>
            </Project>
            """);

        string Import(string extension) => hasBuildFiles ? $"<Project><Import Project=\"{build}{extension}\" /></Project>" : "<Project />";
    }

    public string Name { get; }

    public string Folder => _folder.FullName;

    public string Assembly => Path.Combine(Folder, "bin", "Release", "net10.0", Name + ".dll");

    public string Intermediate(string file) => Path.Combine(Folder, "obj", "Release", "net10.0", file);

    /// <summary>Builds, and fails the test where that fails.</summary>
    public async Task<string> BuildAsync(CancellationToken cancellationToken, params string[] options)
    {
        var (exitCode, output) = await DotNet.RunAsync(Folder, ["build", "-c", "Release", "-nodeReuse:false", "-tl:off", "-nologo", .. options], cancellationToken);
        Assert.True(exitCode == 0, output);
        return output;
    }

    /// <summary>Runs the program. Its traces find no server, and nothing is waited for.</summary>
    public async Task<(int ExitCode, string Output)> StartAsync(CancellationToken cancellationToken, params string[] arguments) =>
        await DotNet.RunAsync(Folder, [Assembly, .. arguments], cancellationToken);

    public async Task<(int ExitCode, string Output)> StartAsync(IEnumerable<(string Name, string Value)> environment, CancellationToken cancellationToken) =>
        await DotNet.RunAsync(Folder, [Assembly], cancellationToken, environment);

    public void Dispose() => _folder.Delete(recursive: true);
}
