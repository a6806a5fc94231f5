// Package bridge describes to Pulumi how the Terraform provider for Docker is to be shown.
//
// The tokens are those of the package pulumi_docker on PyPI, so that its classes find their
// resources here. What that package names in its own way is named so here too; everything else
// follows the bridge's rules. infra/engine's tests hold the result against the package.
package bridge

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// Name is the package's name in Pulumi, and Version is set by the linker: it must be the
// version of pulumi_docker, because the engine asks for exactly that plugin.
const Name = "docker"

var Version = "0.0.0"

// Terraform's resource → the class in pulumi_docker, where it is not the same word.
var resources = map[string]string{
	"docker_container":      "Container",
	"docker_network":        "Network",
	"docker_volume":         "Volume",
	"docker_image":          "RemoteImage",
	"docker_registry_image": "RegistryImage",
	"docker_tag":            "Tag",
	"docker_plugin":         "Plugin",
	"docker_config":         "ServiceConfig",
	"docker_secret":         "Secret",
	"docker_service":        "Service",
	"docker_buildx_builder": "BuildxBuilder",
}

var functions = map[string]string{
	"docker_image":                    "getRemoteImage",
	"docker_logs":                     "getLogs",
	"docker_network":                  "getNetwork",
	"docker_plugin":                   "getPlugin",
	"docker_registry_image":           "getRegistryImage",
	"docker_registry_image_manifests": "getRegistryImageManifests",
}

// Provider returns the whole mapping.
func Provider() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:       shimv2.NewProvider(provider.New(Version)()),
		Name:    Name,
		Version: Version,
		Config: map[string]*tfbridge.SchemaInfo{
			"host": {Default: &tfbridge.DefaultInfo{
				EnvVars: []string{"DOCKER_HOST"},
				Value:   "unix:///var/run/docker.sock",
			}},
			"registry_auth": {Name: "registryAuth", MaxItemsOne: tfbridge.False()},
		},
		Resources:   map[string]*tfbridge.ResourceInfo{},
		DataSources: map[string]*tfbridge.DataSourceInfo{},
	}
	for from, class := range resources {
		info.Resources[from] = &tfbridge.ResourceInfo{
			Tok: tfbridge.MakeResource(Name, "index", class),
		}
	}
	for from, function := range functions {
		info.DataSources[from] = &tfbridge.DataSourceInfo{
			Tok: tfbridge.MakeDataSource(Name, "index", function),
		}
	}
	// A container's name, address and ports are taken until the old one is gone.
	container := info.Resources["docker_container"]
	container.DeleteBeforeReplace = true
	container.Fields = map[string]*tfbridge.SchemaInfo{
		"command":           {Name: "command"},
		"networks_advanced": {Name: "networksAdvanced"},
	}
	// Naming the field keeps the bridge from adding a random suffix to an image's name.
	info.Resources["docker_image"].Fields = map[string]*tfbridge.SchemaInfo{"name": {Name: "name"}}
	info.SetAutonaming(255, "-")
	return info
}
